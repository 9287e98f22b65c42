//! What this process lacks, and no server is to blame for: sockets to upstreams.
//!
//! With many open requests clients can use up the file descriptors. If the circuit breaker counted that, they could turn
//! off the servers for everyone.

use std::{error::Error, fmt, io};

use palisade::core::{Clock as _, SystemClock};
use palisade_internal::{log_limit::LogLimit, open_sockets::OpenSocket};

/// No file descriptor of the process is free (`EMFILE`), or none of the system (`ENFILE`). The same numbers on all Unix systems.
const NO_DESCRIPTOR: [i32; 2] = [24, 23];

/// As many sockets are open as leave the last file descriptors for files.
#[derive(Debug)]
pub(crate) struct NoSocketLeft;

impl fmt::Display for NoSocketLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file descriptors that are left are for files; raise the limit (`LimitNOFILE=` of systemd)")
    }
}

impl Error for NoSocketLeft {}

/// Counts a socket to an upstream.
///
/// # Errors
///
/// Only the descriptors for files are left. It is logged once a minute.
pub(super) fn count_socket() -> Result<OpenSocket, NoSocketLeft> {
    static LIMIT: LogLimit = LogLimit::per_minute();
    let counted = OpenSocket::count_if_free();
    if counted.is_none()
        && let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic())
    {
        tracing::warn!(
            number = "PAL0021",
            held_back,
            "no connection to an upstream: {NoSocketLeft}"
        );
    }
    counted.ok_or(NoSocketLeft)
}

/// Whether one of these causes is a shortage of this process.
pub(crate) fn is_shortage<'a>(mut causes: impl Iterator<Item = &'a (dyn Error + 'static)>) -> bool {
    causes.any(|cause| {
        let system = cause.downcast_ref::<io::Error>();
        let code = system.and_then(io::Error::raw_os_error);
        cause.is::<NoSocketLeft>() || code.is_some_and(|code| NO_DESCRIPTOR.contains(&code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lack_of_descriptors_is_a_shortage() {
        let is_one = |error: &(dyn Error + 'static)| is_shortage(std::iter::once(error));
        assert!(is_one(&NoSocketLeft));
        assert!(is_one(&io::Error::from_raw_os_error(24)));
        assert!(is_one(&io::Error::from_raw_os_error(23)));
        assert!(!is_one(&io::Error::from_raw_os_error(111)));
        assert!(!is_one(&io::Error::from(io::ErrorKind::TimedOut)));
    }
}
