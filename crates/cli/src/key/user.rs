//! Runs the command again as another user of this machine, for `palisade key verify --as USER`.
//!
//! It shows whether the user of a service may read the files.

use std::{fs, process::Command, str::FromStr};

use crate::Failure;

/// The list of local users. Users of a directory service are not in it: give UID:GID for them.
const PASSWD: &str = "/etc/passwd";

/// A user, by the numbers of user and group. Other groups of the user are not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct User {
    /// The number of the user.
    uid: u32,
    /// The number of the group.
    gid: u32,
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((uid, gid)) = text.split_once(':') {
            let number = |text: &str| text.parse().map_err(|_| unknown(text));
            return Ok(Self {
                uid: number(uid)?,
                gid: number(gid)?,
            });
        }
        let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
        if let Some(user) = find(&passwd, text) {
            return Ok(user);
        }
        // A number without an entry is accepted: containers often have none.
        let uid = text.parse().map_err(|_| unknown(text))?;
        Ok(Self { uid, gid: uid })
    }
}

/// Makes the error about a user that does not exist.
fn unknown(text: &str) -> String {
    format!("{PASSWD} has no user {text:?}; write a name of that file, UID, or UID:GID")
}

/// Finds a user by name or number in lines of the form `name:password:uid:gid:…`.
fn find(passwd: &str, wanted: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        let user = User {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        };
        (name == wanted || uid == wanted).then_some(user)
    })
}

impl User {
    /// Runs this program as that user, with the same arguments without `--as`. Returns its result.
    /// Fails without the right to change the user.
    #[cfg(unix)]
    pub(super) fn run_this_command_again(self) -> Result<(), Failure> {
        use std::os::unix::process::CommandExt;

        // By the name that the kernel gives it: the user may have no access to its path.
        let program = match cfg!(target_os = "linux") {
            true => "/proc/self/exe".into(),
            false => std::env::current_exe()?,
        };
        let mut command = Command::new(program);
        command.args(without_user(std::env::args_os().skip(1)));
        let status = command.uid(self.uid).gid(self.gid).status();
        let status = status.map_err(|problem| {
            Failure::new(format_args!(
                "cannot become user {}: {problem}; run this as root (sudo)",
                self.uid
            ))
        })?;
        match status.code() {
            Some(0) => Ok(()),
            Some(1) => Err(Failure::No),
            _ => Err(Failure::new(format_args!(
                "the check as user {} did not end well: {status}",
                self.uid
            ))),
        }
    }

    /// Fails: other systems have no such users.
    #[cfg(not(unix))]
    pub(super) fn run_this_command_again(self) -> Result<(), Failure> {
        Err(Failure::new("--as is for Unix systems alone"))
    }
}

/// Removes `--as USER` and `--as=USER` from the arguments.
#[cfg(unix)]
fn without_user(
    arguments: impl Iterator<Item = std::ffi::OsString>,
) -> impl Iterator<Item = std::ffi::OsString> {
    let mut value_follows = false;
    arguments.filter(move |argument| {
        let is_value = std::mem::take(&mut value_follows);
        value_follows = !is_value && argument == "--as";
        let joined = argument
            .to_str()
            .is_some_and(|text| text.starts_with("--as="));
        !is_value && !value_follows && !joined
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: &str = "root:x:0:0:root:/root:/bin/sh\ntts:x:990:991::/var/lib/tts:/bin/false\n";

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let tts = User { uid: 990, gid: 991 };
        assert_eq!(find(ENTRIES, "tts"), Some(tts));
        assert_eq!(find(ENTRIES, "990"), Some(tts));
        assert_eq!(find(ENTRIES, "x"), None);
        assert_eq!("7:8".parse(), Ok(User { uid: 7, gid: 8 }));
        assert!("no such user".parse::<User>().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_is_left_out_of_the_arguments() {
        let check = |line: &str, left: &str| {
            let words = line.split(' ').map(std::ffi::OsString::from);
            let rest: Vec<_> = without_user(words).collect();
            assert_eq!(rest.join(std::ffi::OsStr::new(" ")), left, "{line}");
        };
        check("key verify --as 1 --store k", "key verify --store k");
        check("key verify --store k --as=1", "key verify --store k");
        check("key verify --as --as --store k", "key verify --store k");
    }
}
