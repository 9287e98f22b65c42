//! Passes that outlive the response: the permit of a WebSocket is held as long as its socket.

use std::{
    fmt, mem,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
};

use super::SecurityContext;

/// Passes that wait for the last lease. Dropping them closes their guards.
pub(crate) trait ParkedPasses: Send {}

/// Keeps the passes of an upgraded request until it is dropped.
///
/// The response to an upgrade (101, or 2xx to `CONNECT`) is over before the new protocol starts. A
/// handler that upgrades takes a lease with [`SecurityContext::lease`] and moves it into the task
/// that owns the socket. Without a lease, permits are released as soon as the response is sent. The
/// last clone that is dropped closes the guards. For responses that are no upgrades a lease has no
/// effect.
///
/// A handler of WebSockets keeps its permit, so that a limit of concurrent requests counts the socket:
///
/// ```
/// use palisade_core::SecurityContext;
///
/// async fn upgrade(cx: SecurityContext, socket: impl Future<Output = ()> + Send + 'static) {
///     let lease = cx.lease();
///     tokio::spawn(async move {
///         socket.await;
///         drop(lease); // now the guards are closed
///     });
/// }
/// ```
pub struct Lease(SecurityContext);

impl SecurityContext {
    /// Takes a lease on the passes of this request. See [`Lease`].
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.0.leases.fetch_add(1, Ordering::SeqCst);
        Lease(self.clone())
    }

    /// Keeps passes until the last lease is dropped. Drops them at once if there is no lease.
    pub(crate) fn park_passes(&self, passes: Box<dyn ParkedPasses>) {
        let mut parked = self.parked_passes();
        if self.0.leases.load(Ordering::SeqCst) > 0 {
            parked.push(passes);
        } else {
            drop(parked); // Closing must not hold the lock.
            drop(passes);
        }
    }

    fn parked_passes(&self) -> MutexGuard<'_, Vec<Box<dyn ParkedPasses>>> {
        self.0.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.0.lease()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut parked = self.0.parked_passes();
        if self.0.0.leases.fetch_sub(1, Ordering::SeqCst) != 1 {
            return;
        }
        let passes = mem::take(&mut *parked);
        drop(parked);
        drop(passes); // Closes inner guards first, without the lock.
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease(..)")
    }
}
