//! Sockets that a service manager opened, and its notifications about the service.
//!
//! `listenfd` checks that the descriptors are sockets of the right kind. It is used because
//! taking a descriptor by its number needs `unsafe`.
//!
//! The manager sets `LISTEN_FDS` and `LISTEN_PID`. `listenfd` compares the second with this process
//! and removes both, so that no child takes the same sockets.

use std::io;

use super::Listener;

/// Takes the sockets of `LISTEN_FDS` with their names (`LISTEN_FDNAMES`), in the order of the unit.
/// Empty if there are none.
///
/// # Errors
///
/// A descriptor is not a listening stream socket.
#[cfg(unix)]
#[allow(
    clippy::disallowed_methods,
    reason = "the environment is how a service manager passes names"
)]
pub(super) fn take_sockets() -> io::Result<Vec<(Option<String>, Listener)>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').filter(|name| !name.is_empty());
    let mut descriptors = listenfd::ListenFd::from_env();
    (0..descriptors.len())
        .map(|index| {
            let name = names.next().map(str::to_owned);
            Ok((name, take(&mut descriptors, index)?))
        })
        .collect()
}

/// Other systems have no such manager, so there are no sockets.
#[cfg(not(unix))]
pub(super) fn take_sockets() -> io::Result<Vec<(Option<String>, Listener)>> {
    Ok(Vec::new())
}

/// Takes one socket: TCP, or else Unix.
///
/// # Errors
///
/// It is neither: for example a datagram socket (`ListenDatagram=`).
#[cfg(unix)]
fn take(descriptors: &mut listenfd::ListenFd, index: usize) -> io::Result<Listener> {
    if let Ok(Some(socket)) = descriptors.take_tcp_listener(index) {
        ensure_listening(&socket)?;
        return Listener::tcp(socket, true);
    }
    match descriptors.take_unix_listener(index)? {
        Some(socket) => {
            ensure_listening(&socket)?;
            Listener::unix(socket, true)
        }
        None => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Fails for a socket that does not listen, such as one of a unit with `Accept=yes`.
///
/// Such a socket is one connection. The unit would start a process for each, which this server
/// does not support.
#[cfg(unix)]
fn ensure_listening(socket: &impl std::os::fd::AsFd) -> io::Result<()> {
    match rustix::net::sockopt::socket_acceptconn(socket)? {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a socket does not listen; use `ListenStream=` and `Accept=no`",
        )),
    }
}
