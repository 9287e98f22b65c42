//! Removes responses that a crashed process left.

use std::{io, path::Path};

/// Returns whether a file has the name of a response, or of one that was being written.
fn is_response(name: &str) -> bool {
    let name = name.strip_prefix('.').unwrap_or(name);
    name.starts_with("http-") || name.starts_with("tls-")
}

/// Removes the responses in a folder, and nothing else.
///
/// A link in place of the folder is not followed, and another folder that is put there meanwhile is not
/// touched: the command may be root, and the folder another user's.
///
/// # Errors
///
/// It is a link or no folder, or belongs to a user other than that of the folder above and that of this
/// process.
#[cfg(unix)]
pub(super) fn remove(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, Dir, Mode, OFlags, open, unlinkat};
    use std::{fs, os::unix::fs::MetadataExt};

    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = fs::File::from(open(path, flags, Mode::empty())?);
    let owner = folder.metadata()?.uid();
    let above = fs::metadata(path.parent().unwrap_or(path))?.uid();
    if owner != above && Some(owner) != crate::tls::files::own_user() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_ok_and(is_response) {
            let _ = unlinkat(&folder, entry.file_name(), AtFlags::empty());
        }
    }
    Ok(())
}

/// Removes the responses in a folder, and nothing else.
///
/// # Errors
///
/// Errors of the system.
#[cfg(not(unix))]
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_response) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Returns the names that are left in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_responses_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "http-a",
            "tls-b.example",
            ".http-a.0f.new",
            "passwd",
            ".keep",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".keep", "passwd"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_the_folder_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("etc"), folder.path().join("challenges"));
        fs::create_dir(&target).unwrap();
        fs::write(target.join("http-a"), "").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(remove(&link).is_err());
        assert_eq!(names(&target), ["http-a"]);
    }
}
