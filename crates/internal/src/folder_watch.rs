//! Waits until the files of a folder change.

use std::{io, path::Path};

/// Tells when something in a folder changed: a file was written, made, renamed or removed.
///
/// Changes since it was made are not missed: the next [`wait`](Self::wait) returns at once. On Linux it sleeps in the
/// kernel (inotify); elsewhere it looks once a second. A change that another machine makes on a network file system is
/// seen on neither, until this machine changes something there too.
///
/// ```
/// use palisade_internal::folder_watch::FolderWatch;
///
/// # let folder = tempfile::tempdir()?;
/// let mut watch = FolderWatch::open(folder.path())?;
/// std::fs::write(folder.path().join("log"), "one\n")?;
/// watch.wait()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FolderWatch {
    /// Becomes readable with the first change.
    #[cfg(target_os = "linux")]
    events: std::fs::File,
}

#[cfg(target_os = "linux")]
impl FolderWatch {
    /// Begins to watch a folder.
    ///
    /// # Errors
    ///
    /// There is no such folder, or the user may have no more watches.
    pub fn open(folder: &Path) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

        let events = init(CreateFlags::CLOEXEC)?;
        let changes = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        add_watch(&events, folder, changes)?;
        let events = events.into();
        Ok(Self { events })
    }

    /// Waits for the next change. Several changes may be one.
    ///
    /// # Errors
    ///
    /// The operating system fails.
    pub fn wait(&mut self) -> io::Result<()> {
        use std::io::Read as _;

        // What changed does not matter: the caller looks at its files.
        let mut changes = [0; 4096];
        loop {
            match self.events.read(&mut changes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map(drop),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl FolderWatch {
    /// Begins to watch a folder.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub fn open(_: &Path) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits a second.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub fn wait(&mut self) -> io::Result<()> {
        std::thread::sleep(std::time::Duration::from_secs(1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc, thread};

    use super::*;

    #[test]
    fn every_kind_of_change_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        let (waits, waiting) = mpsc::channel();
        let (changed, changes) = mpsc::channel();
        let mut watch = FolderWatch::open(folder.path()).unwrap();
        let thread = thread::spawn(move || {
            for () in waiting {
                watch.wait().unwrap();
                changed.send(()).unwrap();
            }
        });
        let kinds: [&dyn Fn(); 4] = [
            &|| fs::write(&path, "").unwrap(),
            &|| {
                fs::OpenOptions::new()
                    .append(true)
                    .open(&path)
                    .and_then(|mut it| io::Write::write_all(&mut it, b"x"))
                    .unwrap()
            },
            &|| fs::rename(&path, folder.path().join("two")).unwrap(),
            &|| fs::remove_file(folder.path().join("two")).unwrap(),
        ];
        for change in kinds {
            waits.send(()).unwrap();
            change();
            changes.recv().unwrap();
        }
        drop(waits);
        thread.join().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_folder_cannot_be_watched() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(FolderWatch::open(file.path()).is_err());
        assert!(FolderWatch::open(Path::new("/nowhere/at/all")).is_err());
    }
}
