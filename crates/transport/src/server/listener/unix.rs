//! Binds a Unix socket, and replaces one that no process listens on any more.
//!
//! Closing a Unix socket does not remove its file, and a file in the place makes `bind` fail. Without
//! the replacement a server that was killed could not start again. Two servers that start at the same
//! moment on the same path can replace each other's file: a path is for one service.

use std::{
    fs, io,
    os::unix::{
        fs::FileTypeExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

/// Listens on a path.
///
/// The file of a server that was killed stays in its place. It is replaced if it is a socket
/// and a connection to it is refused.
///
/// # Errors
///
/// Another process listens there, another kind of file is in its place, or the folder cannot be
/// written.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// Returns whether a path is a socket on which no process listens.
///
/// Only a refusal counts: a busy server lets the connection wait in its queue.
fn is_abandoned(path: &Path) -> bool {
    // A link is not followed: it may lead to the socket of another service.
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).is_err_and(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_of_a_killed_server_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        drop(bind(&path).unwrap());
        assert!(path.exists(), "closing a socket leaves its file");
        let _second = bind(&path).unwrap();
    }

    #[test]
    fn the_socket_of_a_running_server_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let _first = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn another_file_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, "data").unwrap();
        assert!(bind(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }
}
