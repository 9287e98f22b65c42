//! A Unix socket that its owner alone can connect to, from its first moment.
//!
//! A socket file gets the mode of the process (umask) when it is bound, and `chmod` comes later. So it is
//! bound in a new folder with mode 0700, changed to 0600 there, and moved to its place.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::UnixListener;

/// How long a command may take: a reload reads files and may resolve names.
const PATIENCE: Duration = Duration::from_secs(30);

/// Binds a socket with mode 0600. One that no process listens on any more is replaced.
///
/// # Errors
///
/// `AddrInUse` if a process listens there; `AlreadyExists` if the place has something that is no socket;
/// or what the file system says.
pub(super) fn bind_private(path: &Path) -> io::Result<UnixListener> {
    check_place(path)?;
    let folder = private_folder(path)?;
    let bound = bind_in(&folder, path);
    let _ = fs::remove_dir(&folder); // It is empty now, or an error is returned anyway.
    bound
}

/// Refuses a place that is taken.
///
/// # Errors
///
/// Another process listens there, or there is something else than a socket.
fn check_place(path: &Path) -> io::Result<()> {
    // A link is not followed: it may lead to the socket of another service.
    let Ok(there) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !there.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Makes the folder in which the socket is bound, beside its place.
///
/// # Errors
///
/// It cannot be created.
fn private_folder(path: &Path) -> io::Result<PathBuf> {
    let folder = path.with_extension(format!("{}.new", std::process::id()));
    remove_left(&folder);
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Removes the folder of a process that was killed while it bound the socket. In a container a process
/// often has the same number again.
///
/// A link is not followed, and anything but a socket in the folder stays, with the folder.
fn remove_left(folder: &Path) {
    let is = |path: &Path, kind: fn(&fs::FileType) -> bool| {
        fs::symlink_metadata(path).is_ok_and(|there| kind(&there.file_type()))
    };
    let socket = folder.join("s");
    if is(folder, fs::FileType::is_dir) && is(&socket, |kind| kind.is_socket()) {
        let _ = fs::remove_file(socket);
    }
    let _ = fs::remove_dir(folder); // If it stays, making it again says so.
}

/// Binds the socket in the folder and moves it to its place.
///
/// # Errors
///
/// The socket cannot be bound or moved.
fn bind_in(folder: &Path, path: &Path) -> io::Result<UnixListener> {
    let new = folder.join("s");
    let bound = UnixListener::bind(&new)?;
    let moved = fs::set_permissions(&new, Permissions::from_mode(0o600))
        .and_then(|()| fs::rename(&new, path));
    if moved.is_err() {
        let _ = fs::remove_file(&new);
    }
    moved.map(|()| bound)
}

/// Sends a command and returns what comes back.
///
/// # Errors
///
/// No connection, or no complete response in time.
pub(super) fn send_command(path: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(command.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    match text.is_empty() {
        true => Err(io::ErrorKind::UnexpectedEof.into()),
        false => Ok(text.trim_end().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_socket_is_of_its_owner_alone_and_is_replaced_when_it_is_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        for _ in 0..2 {
            let bound = bind_private(&path).unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            assert_eq!(
                bind_private(&path).unwrap_err().kind(),
                io::ErrorKind::AddrInUse
            );
            drop(bound); // Its file stays.
            let names = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(names, 1, "the folder is gone");
        }
    }

    #[tokio::test]
    async fn what_a_killed_process_of_the_same_number_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let left = path.with_extension(format!("{}.new", std::process::id()));
        fs::create_dir(&left).unwrap();
        drop(bind_private(&path).unwrap());
        fs::create_dir(&left).unwrap();
        drop(UnixListener::bind(left.join("s")).unwrap());
        drop(bind_private(&path).unwrap());
        assert!(!left.exists());
        fs::create_dir(&left).unwrap();
        fs::write(left.join("s"), "data").unwrap();
        let error = bind_private(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(left.join("s")).unwrap(), "data");
    }

    #[tokio::test]
    async fn another_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, "data").unwrap();
        assert!(bind_private(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }
}
