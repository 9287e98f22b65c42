//! A TCP port for a program that a test starts, such as nginx or Redis.
//!
//! The system hands out ports of a range of its own (32768 to 60999 on Linux), both to listeners that
//! ask for any port and to outgoing connections. A port of that range that was free a moment ago may
//! be taken when the program binds it. So a port below that range is chosen, in another place for
//! each process.

use std::{
    net::{IpAddr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
};

/// The first port that is chosen, and how many there are.
const FIRST: u32 = 10_000;
const COUNT: u32 = 22_000;

/// Returns a port of this address that no listener has, another one at each call.
///
/// The port is free at the moment of the call. Another process can take it before the program of
/// the test does; tests of one machine do not, since each process starts at another place.
///
/// # Errors
///
/// If all 22,000 ports are taken.
///
/// ```
/// use std::net::{Ipv4Addr, TcpListener};
///
/// let port = palisade_internal::free_port::choose(Ipv4Addr::LOCALHOST.into())?;
/// let server = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn choose(address: IpAddr) -> std::io::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that start one after the other have numbers next to each other.
    let process = std::process::id().wrapping_mul(16);
    for _ in 0..COUNT {
        let next = process.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + next % COUNT).unwrap_or_default();
        if TcpListener::bind((address, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(std::io::Error::other("no free port"))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn each_call_returns_another_port_below_those_of_the_system() {
        let one = choose(Ipv4Addr::LOCALHOST.into()).unwrap();
        let other = choose(Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_ne!(one, other);
        assert!((10_000..32_000).contains(&one) && (10_000..32_000).contains(&other));
    }
}
