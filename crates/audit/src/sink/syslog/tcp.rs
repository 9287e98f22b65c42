//! A stream over TCP, with limits to every wait.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// The longest wait for a connection.
const CONNECTING: Duration = Duration::from_secs(2);
/// The longest wait for a socket to accept a message.
pub(super) const WRITING: Duration = Duration::from_secs(5);

/// Opens a stream over TCP.
///
/// # Errors
///
/// The server does not accept the connection in time.
pub(super) fn open_stream(server: &SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(server, CONNECTING)?;
    stream.set_read_timeout(Some(WRITING))?;
    stream.set_write_timeout(Some(WRITING))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
