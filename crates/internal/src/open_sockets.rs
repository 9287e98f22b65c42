//! Counts the sockets that clients can make this process open: their connections, and those to upstreams.
//!
//! An eighth of the file descriptors is left for files: key files with revocations, certificates, the audit trail. Without
//! that, clients with many open requests could keep a service from reading them.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Those of this process.
static OF_PROCESS: SocketCount = SocketCount::new();

/// A number of sockets, and the most that there may be.
#[derive(Debug)]
struct SocketCount {
    open: AtomicUsize,
    most: AtomicUsize,
}

impl SocketCount {
    /// No socket is open, and there is no limit.
    const fn new() -> Self {
        Self {
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(usize::MAX),
        }
    }

    fn set_limit(&self, descriptors: u64) {
        let most = descriptors / 8 * 7;
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        self.most.store(most, Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.open.load(Ordering::Relaxed) >= self.most.load(Ordering::Relaxed)
    }

    fn count(&'static self) -> OpenSocket {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenSocket(self)
    }
}

/// A socket that is open. Dropping it counts it as closed.
#[derive(Debug)]
#[must_use]
pub struct OpenSocket(&'static SocketCount);

impl OpenSocket {
    /// Counts a socket of this process, however many there are.
    pub fn count() -> Self {
        OF_PROCESS.count()
    }

    /// Counts a socket of this process, unless only the descriptors for files are left.
    #[must_use]
    pub fn count_if_free() -> Option<Self> {
        (!are_scarce()).then(Self::count)
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether only the descriptors for files are left. Without [`set_descriptor_limit`] there is no limit.
#[must_use]
pub fn are_scarce() -> bool {
    OF_PROCESS.is_full()
}

/// Tells how many file descriptors this process may have.
pub fn set_descriptor_limit(descriptors: u64) {
    OF_PROCESS.set_limit(descriptors);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eighth_of_the_descriptors_is_left_for_files() {
        static SOCKETS: SocketCount = SocketCount::new();
        assert!(!SOCKETS.is_full());
        SOCKETS.set_limit(40);
        let mut open: Vec<OpenSocket> = (0..34).map(|_| SOCKETS.count()).collect();
        assert!(!SOCKETS.is_full());
        open.push(SOCKETS.count());
        assert!(SOCKETS.is_full());
        drop(open.pop());
        assert!(!SOCKETS.is_full());
        SOCKETS.set_limit(0);
        assert!(SOCKETS.is_full());
    }
}
