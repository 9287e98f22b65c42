//! Passes that outlive the response: the permit of a WebSocket is held as long as its socket.

use std::{fmt, mem, sync::atomic::Ordering};

use super::Hold;
use crate::{OutcomeKind, SecurityContext};

/// Keeps the passes of an upgraded request until it is dropped.
///
/// The response to an upgrade (101, or 2xx to `CONNECT`) is over before the new protocol starts. A
/// handler that upgrades takes a lease with [`SecurityContext::lease`] and moves it into the task
/// that owns the socket. Without a lease, permits are released as soon as the response is sent. The
/// last clone that is dropped closes the guards. For responses that are no upgrades a lease has no
/// effect.
pub struct Lease(SecurityContext);

impl SecurityContext {
    /// Takes a lease on the passes of this request. See [`Lease`].
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.leases().fetch_add(1, Ordering::SeqCst);
        Lease(self.clone())
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.0.lease()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut parked = self.0.parked();
        if self.0.leases().fetch_sub(1, Ordering::SeqCst) != 1 {
            return;
        }
        let passes = mem::take(&mut *parked);
        drop(parked);
        drop(passes); // Closes, inner machines first, without the lock.
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease(..)")
    }
}

/// The end of a body: closes the passes, or parks them while a lease exists.
pub(super) struct Tail(Option<Box<dyn Hold>>);

impl Tail {
    pub(super) fn new(passes: Box<dyn Hold>) -> Self {
        Self(Some(passes))
    }

    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn passes(&mut self) -> Option<&mut Box<dyn Hold>> {
        self.0.as_mut()
    }

    /// Closes the passes. Those of an upgraded request wait in the context for the last lease.
    pub(super) fn release(&mut self) {
        let Some(mut passes) = self.0.take() else {
            return;
        };
        if passes.progress().outcome.kind == OutcomeKind::Upgraded && !passes.progress().watching {
            let cx = passes.context().clone();
            let mut parked = cx.parked();
            if cx.leases().load(Ordering::SeqCst) > 0 {
                parked.push(passes);
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.release();
    }
}
