//! Which symbolic links are followed.
//!
//! A command of root may meet a link that the user of a service made. Following it would replace any file
//! of the machine. A link of root, or one that leads to what its owner owns, is one that an administrator
//! or the owner wanted.

use std::{
    io,
    path::{Path, PathBuf},
};

/// The most links of one path, as Linux has it.
#[cfg(unix)]
const MAX_LINKS: usize = 40;

/// Follows the links of a path. Returns the path without links. The last part need not exist.
///
/// # Errors
///
/// Errors of the system. [`io::ErrorKind::PermissionDenied`] if a link belongs neither to root nor to the
/// owner of what it leads to.
///
/// ```
/// # #[cfg(unix)] {
/// use std::os::unix::fs::symlink;
/// use palisade_internal::private_file;
///
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().canonicalize()?;
/// symlink("keys.toml", folder.join("link"))?;
/// assert_eq!(private_file::follow_links(&folder.join("link"))?, folder.join("keys.toml"));
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(unix)]
pub fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let (mut reached, mut links) = (PathBuf::new(), 0);
    let mut rest = std::path::absolute(path)?;
    while let Some(part) = rest.components().next() {
        let after: PathBuf = rest.components().skip(1).collect();
        match part {
            std::path::Component::ParentDir => drop(reached.pop()),
            part => reached.push(part),
        }
        rest = match linked_to(&reached, after.as_os_str().is_empty())? {
            None => after,
            Some(target) => {
                reached.pop();
                links += 1;
                target.join(after)
            }
        };
        if links > MAX_LINKS {
            return Err(io::Error::other("too many symbolic links"));
        }
    }
    Ok(reached)
}

/// On other systems the permissions of the folder must suffice.
///
/// # Errors
///
/// Errors of the system.
#[cfg(not(unix))]
pub fn follow_links(path: &Path) -> io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        target => target,
    }
}

/// Returns where a link leads. `None` if it is no link, or is missing and the last part.
#[cfg(unix)]
fn linked_to(path: &Path, is_last: bool) -> io::Result<Option<PathBuf>> {
    use std::{fs, os::unix::fs::MetadataExt};

    let link = match fs::symlink_metadata(path) {
        Err(problem) if is_last && problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        link => link?,
    };
    if !link.is_symlink() {
        return Ok(None);
    }
    let target = fs::read_link(path)?;
    if link.uid() != 0 && link.uid() != owner_behind(path, &target)? {
        let (path, user) = (path.display(), link.uid());
        let problem = format!("{path} is a link of user {user}, who does not own what it leads to");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    Ok(Some(target))
}

/// Returns the owner of what a link leads to: of the folder, if there is no such file.
#[cfg(unix)]
fn owner_behind(link: &Path, target: &Path) -> io::Result<u32> {
    use std::{fs, os::unix::fs::MetadataExt};

    let metadata = match fs::metadata(link) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
            let target = super::folder_of(link).join(target);
            fs::metadata(super::folder_of(&target))
        }
        metadata => metadata,
    };
    Ok(metadata?.uid())
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs,
        os::unix::fs::{lchown, symlink},
    };

    use super::*;

    fn follow_in(folder: &tempfile::TempDir, path: &str) -> io::Result<PathBuf> {
        follow_links(&folder.path().join(path))
    }

    #[test]
    fn links_of_root_are_followed_in_every_part_of_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/file"), "").unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        symlink("../b/file", folder.path().join("a/c")).unwrap();
        symlink("none", folder.path().join("a/d")).unwrap();
        assert_eq!(follow_in(&folder, "b/file").unwrap(), real.join("a/file"));
        assert_eq!(follow_in(&folder, "b/./c").unwrap(), real.join("a/file"));
        assert_eq!(follow_in(&folder, "b/d").unwrap(), real.join("a/none"));
        assert_eq!(follow_in(&folder, "a/../new").unwrap(), real.join("new"));
        assert!(follow_in(&folder, "none/file").is_err());
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(follow_in(&folder, "loop").is_err());
    }

    #[test]
    fn a_link_of_another_user_is_followed_to_what_that_user_owns_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        for (name, target) in [("a", "file"), ("b", "folder"), ("c", "folder/none")] {
            symlink(target, folder.path().join(name)).unwrap();
            if lchown(folder.path().join(name), Some(65534), None).is_err() {
                eprintln!("skipped: only root can show this");
                return;
            }
        }
        for refused in ["a", "b/keys", "c"] {
            let problem = follow_in(&folder, refused).unwrap_err();
            assert_eq!(problem.kind(), io::ErrorKind::PermissionDenied, "{refused}");
        }
        lchown(folder.path().join("file"), Some(65534), None).unwrap();
        lchown(folder.path().join("folder"), Some(65534), None).unwrap();
        for followed in ["a", "b/keys", "c"] {
            assert!(follow_in(&folder, followed).is_ok(), "{followed}");
        }
    }
}
