//! Gives up root before a command writes in a folder of another user.
//!
//! The user of a service may put links into its folders. A command that goes on as that user can do
//! nothing with them that the user could not do itself.

use std::path::Path;

use crate::failure::Failure;

/// Makes this thread the user who owns the first folder of a path that is not root's, if it is root.
///
/// Every folder and every link on the way counts: the owner of one of them decides where the path
/// leads. Nothing happens if all belong to root, or if the command does not run as root. Call it
/// before another thread starts.
///
/// # Errors
///
/// A folder of the path cannot be looked at, or the user cannot be changed.
#[cfg(target_os = "linux")]
pub(crate) fn become_owner_of(folder: &Path) -> Result<(), Failure> {
    use crate::{output, user::User};

    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = first_owner(folder);
    let owner = owner.map_err(|problem| {
        Failure::new(format_args!(
            "cannot look at {}: {problem}",
            folder.display()
        ))
    })?;
    let Some((uid, gid)) = owner else {
        return Ok(());
    };
    output::print_note(format_args!(
        "continues as user {uid}, since {} is in a folder of that user",
        folder.display()
    ));
    User::with_number(uid, gid).become_this_user()
}

/// Elsewhere the whole process would have to change its user: what is written follows no link.
///
/// # Errors
///
/// None here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn become_owner_of(_: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Returns user and group of the first part of a path that does not belong to root. `None` if every
/// part that exists does. Links of root are followed.
#[cfg(target_os = "linux")]
fn first_owner(path: &Path) -> std::io::Result<Option<(u32, u32)>> {
    use std::{
        fs,
        io::{Error, ErrorKind},
        os::unix::fs::MetadataExt,
        path::{Component, PathBuf},
    };
    /// The most links of one path, as Linux has it.
    const MAX_LINKS: usize = 40;

    let (mut reached, mut links) = (PathBuf::new(), 0);
    let mut rest = std::path::absolute(path)?;
    while let Some(part) = rest.components().next() {
        let after: PathBuf = rest.components().skip(1).collect();
        match part {
            Component::ParentDir => drop(reached.pop()),
            part => reached.push(part),
        }
        let metadata = match fs::symlink_metadata(&reached) {
            Err(problem) if problem.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        if metadata.uid() != 0 {
            return Ok(Some((metadata.uid(), metadata.gid())));
        }
        rest = after;
        if metadata.is_symlink() {
            rest = fs::read_link(&reached)?.join(rest);
            reached.pop();
            links += 1;
        }
        if links > MAX_LINKS {
            return Err(Error::other("too many symbolic links"));
        }
    }
    Ok(None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        fs,
        os::unix::fs::{chown, lchown, symlink},
    };

    use super::*;

    #[test]
    fn the_first_owner_of_a_path_other_than_root_is_found_behind_links_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("root/service/acme")).unwrap();
        symlink("root/service", path("link")).unwrap();
        symlink("root", path("planted")).unwrap();
        symlink("loop", path("loop")).unwrap();
        if chown(path("root/service"), Some(65534), Some(65533)).is_err() {
            eprintln!("skipped: only root can show this");
            return;
        }
        lchown(path("planted"), Some(1000), Some(1000)).unwrap();
        for (name, owner) in [
            ("root", None),
            ("root/missing", None),
            ("root/service", Some((65534, 65533))),
            ("root/service/acme", Some((65534, 65533))),
            ("link/acme/missing", Some((65534, 65533))),
            ("link/..", Some((65534, 65533))),
            ("planted", Some((1000, 1000))),
        ] {
            assert_eq!(first_owner(&path(name)).unwrap(), owner, "{name}");
        }
        assert!(first_owner(&path("loop")).is_err());
    }
}
