//! The file with the digests of API keys: opening it, and creating it where it is missing.

use std::path::Path;

use palisade_api_key::FileKeyStore;

use crate::{failure::Failure, output};

/// Opens the file.
///
/// # Errors
///
/// It does not exist or cannot be parsed.
pub(super) fn open(file: &Path) -> Result<FileKeyStore, Failure> {
    // A command ends at once, so it needs no watch for changes of the file.
    Ok(FileKeyStore::builder(file)
        .on_report(|_| {})
        .unwatched()
        .open()?)
}

/// Creates an empty file, if there is none.
///
/// # Errors
///
/// It cannot be created.
pub(super) fn create_missing(file: &Path) -> Result<(), Failure> {
    if !file.exists() {
        FileKeyStore::create(file)?;
        output::print_note(format_args!("made {}, without keys", file.display()));
        warn_if_roots(file);
    }
    Ok(())
}

/// Prints a note if a new file belongs to root, since no other user can read it then. A new file
/// belongs to the owner of its folder.
///
/// `sudo palisade key new` in a folder of root makes such a file.
#[cfg(unix)]
pub(super) fn warn_if_roots(path: &Path) {
    let uid =
        std::fs::metadata(path).map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata));
    if uid.is_ok_and(|uid| uid == 0) {
        output::print_note(format_args!(
            "{0} belongs to root; if the service runs as another user: chown USER {0}, \
             then `palisade key verify --as USER`",
            path.display()
        ));
    }
}

/// Other systems have no such owner.
#[cfg(not(unix))]
pub(super) fn warn_if_roots(_: &Path) {}
