//! Another user of this machine: for `palisade key verify --as USER`, and for commands of root that
//! write in a folder of a service.
//!
//! It has the user, its group and its supplementary groups.
//!
//! | argument | user | groups |
//! |---|---|---|
//! | `tts` | its entry in `/etc/passwd` | that of the entry, and those of `/etc/group` |
//! | `1000` | the same, if there is an entry | the same; without an entry group 1000 alone |
//! | `1000:1000,27` | 1000 | 1000, then the supplementary ones |
//!
//! Only the thread of the command changes its user. Capabilities that root had are gone with it.

use std::{fs, str::FromStr};

use crate::failure::Failure;

/// The list of local users. Users of a directory service are not in it: give UID:GID for them.
const PASSWD: &str = "/etc/passwd";
/// The list of local groups and their members.
const GROUP: &str = "/etc/group";

/// A user, by the numbers of user and groups.
///
/// Parsed from a name or number of `/etc/passwd`, or from `UID:GID,GID,…`. Without an entry a number
/// stands for the user and the group, as in containers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct User {
    /// The number of the user.
    uid: u32,
    /// The number of the group.
    gid: u32,
    /// The numbers of the supplementary groups.
    groups: Vec<u32>,
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().map_err(|_| unknown_user(text));
        if let Some((uid, groups)) = text.split_once(':') {
            let mut groups = groups.split(',').map(number);
            return Ok(Self {
                uid: number(uid)?,
                gid: groups.next().unwrap_or_else(|| Err(unknown_user(text)))?,
                groups: groups.collect::<Result<_, _>>()?,
            });
        }
        let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
        let group = fs::read_to_string(GROUP).unwrap_or_default();
        if let Some(user) = find_user(&passwd, &group, text) {
            return Ok(user);
        }
        // A number without an entry is accepted: containers often have none.
        let uid = number(text)?;
        Ok(Self {
            uid,
            gid: uid,
            groups: Vec::new(),
        })
    }
}

/// Makes the error about a user that does not exist.
///
/// Printed by clap with the argument that it is about.
fn unknown_user(text: &str) -> String {
    format!("{PASSWD} has no user {text:?}; write a name of that file, UID, or UID:GID,GID,…")
}

/// Finds a user by name or number in lines of the form `name:password:uid:gid:…`.
///
/// A line that cannot be parsed is skipped: services of names add lines of other forms.
fn find_user(passwd: &str, group: &str, wanted: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        let user = User {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            groups: groups_of(group, name),
        };
        (name == wanted || uid == wanted).then_some(user)
    })
}

/// Finds the groups of a member in lines of the form `name:password:gid:member,member`.
///
/// The main group of a user is in `/etc/passwd` and is usually not repeated here.
fn groups_of(group: &str, member: &str) -> Vec<u32> {
    let of_member = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let (gid, members) = (fields.next()?, fields.next()?);
        let is_member = members.split(',').any(|name| name == member);
        is_member.then(|| gid.parse().ok()).flatten()
    };
    group.lines().filter_map(of_member).collect()
}

impl User {
    /// Returns the user with a number. Without an entry of `/etc/passwd` it has the group that is given,
    /// unless that is the group of root.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_number(uid: u32, gid: u32) -> Self {
        let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
        let group = fs::read_to_string(GROUP).unwrap_or_default();
        find_user(&passwd, &group, &uid.to_string()).unwrap_or_else(|| Self {
            uid,
            gid: if gid == 0 { uid } else { gid },
            groups: Vec::new(),
        })
    }

    /// Makes this thread that user permanently. Files are then opened with its rights alone.
    ///
    /// Fails without the right to change the user.
    ///
    /// # Errors
    ///
    /// Fails unless the process may change its user, which usually means root.
    #[cfg(target_os = "linux")]
    pub(crate) fn become_this_user(&self) -> Result<(), Failure> {
        use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
        use rustix::{
            fs::{Gid, Uid},
            io,
        };

        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let groups: Vec<_> = self.groups.iter().copied().map(Gid::from_raw).collect();
        // The user last: after that there is no right to change the groups.
        let change = || -> io::Result<()> {
            set_thread_groups(&groups)?;
            set_thread_res_gid(gid, gid, gid)?;
            set_thread_res_uid(uid, uid, uid)
        };
        change().map_err(|problem| {
            Failure::new(format_args!(
                "cannot become user {}: {problem}; run this as root (sudo)",
                self.uid
            ))
        })
    }

    /// Fails: only Linux can change the user of one thread.
    ///
    /// # Errors
    ///
    /// Always: only Linux can change the user of one thread.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn become_this_user(&self) -> Result<(), Failure> {
        Err(Failure::new(
            "--as works on Linux only; elsewhere run the command as the user: sudo -u USER palisade key verify …",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: &str = "root:x:0:0:root:/root:/bin/sh\ntts:x:990:991::/var/lib/tts:/bin/false\n";
    const GROUPS: &str = "root:x:0:\nkeys:x:50:tts,web\nother:x:51:ttsx\nlogs:x:52:web,tts\n";

    fn user(uid: u32, gid: u32, groups: &[u32]) -> User {
        let groups = groups.to_vec();
        User { uid, gid, groups }
    }

    #[test]
    fn a_user_is_found_by_name_and_by_number_with_its_groups() {
        let tts = user(990, 991, &[50, 52]);
        assert_eq!(find_user(ENTRIES, GROUPS, "tts").as_ref(), Some(&tts));
        assert_eq!(find_user(ENTRIES, GROUPS, "990"), Some(tts));
        assert_eq!(find_user(ENTRIES, GROUPS, "root"), Some(user(0, 0, &[])));
        assert_eq!(find_user(ENTRIES, GROUPS, "x"), None);
    }

    #[test]
    fn groups_may_be_listed() {
        assert_eq!("7:8".parse(), Ok(user(7, 8, &[])));
        assert_eq!("7:8,9,10".parse(), Ok(user(7, 8, &[9, 10])));
        for wrong in ["no such user", "7:", "7:x", "7:8,", ":8"] {
            assert!(wrong.parse::<User>().is_err(), "{wrong}");
        }
    }
}
