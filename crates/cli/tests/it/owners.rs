//! Commands of root on the files of a service, and of the service on files of root. Skipped
//! without root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
};

use crate::support::{Folder, Ran};

const NEW: &str = "key new --store keys.toml --pepper pepper";
const VERIFY: &str = "key verify --store keys.toml --pepper pepper";
const SERVICE: u32 = 1000;

/// A folder of the service's user with a key in it, made by root; `None` if this is not root.
fn folder_of_the_service() -> Option<(Folder, String)> {
    let folder = Folder::new();
    if chown(folder.path(""), Some(SERVICE), Some(SERVICE)).is_err() {
        eprintln!("skipped: only root can show this");
        return None;
    }
    let key = folder.good(NEW);
    Some((folder, key.split('_').nth(2).unwrap().to_owned()))
}

fn check_owner(folder: &Folder, owner: u32) {
    for entry in fs::read_dir(folder.path("")).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let ids = (metadata.uid(), metadata.gid());
        assert_eq!(ids, (owner, owner), "{:?}", entry.file_name());
    }
}

/// Runs a command as the service's user. The program is copied to where that user may reach it.
fn as_service(folder: &Folder, line: &str) -> Ran {
    let program = folder.path("palisade");
    if !program.exists() {
        // Copied by another process. A thread of this one that forks meanwhile would inherit the
        // open file, and a program that is open for writing cannot be run ("text file busy").
        let mut install = std::process::Command::new("install");
        install.args(["-m", "755", env!("CARGO_BIN_EXE_palisade")]);
        assert!(install.arg(&program).status().unwrap().success());
    }
    folder.run_with(line, |command| {
        let mut copy = std::process::Command::new(&program);
        copy.args(command.get_args()).current_dir(folder.path(""));
        copy.uid(SERVICE).gid(SERVICE);
        copy
    })
}

#[test]
fn files_keep_their_owner_after_a_command_of_root() {
    let Some((folder, id)) = folder_of_the_service() else {
        return;
    };
    check_owner(&folder, SERVICE);
    let lines = [
        format!("{NEW} --note second"),
        format!("key rotate --store keys.toml --pepper pepper {id}"),
        format!("key revoke --store keys.toml {id}"),
        "token mint --key dev.pem --jwks dev.jwks --issuer https://dev.test --audience a --subject s"
            .into(),
    ];
    for line in lines {
        folder.good(&line);
        check_owner(&folder, SERVICE);
    }
    let verified = folder.good(&format!("{VERIFY} --as {SERVICE}"));
    assert!(
        verified.starts_with("usable: keys.toml: 2 keys"),
        "{verified}"
    );
}

#[test]
fn a_lock_file_of_root_is_given_to_the_service() {
    let Some((folder, id)) = folder_of_the_service() else {
        return;
    };
    let lock = folder.path("keys.toml.lock");
    chown(&lock, Some(0), Some(0)).unwrap();
    let refused = as_service(&folder, &format!("key revoke --store keys.toml {id}"));
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("chown"), "{}", refused.err);
    folder.good(NEW);
    assert_eq!(fs::metadata(&lock).unwrap().uid(), SERVICE);
    let revoked = as_service(&folder, &format!("key revoke --store keys.toml {id}"));
    assert_eq!(revoked.code, Some(0), "{}", revoked.err);
}

#[test]
fn a_command_of_the_service_on_files_of_root_reports_the_remedy_and_changes_nothing() {
    let Some((folder, id)) = folder_of_the_service() else {
        return;
    };
    give(&folder.path("keys.toml"), 0, 0o600);
    let before = folder.text("keys.toml");
    for line in [NEW.to_owned(), format!("key revoke --store keys.toml {id}")] {
        let ran = as_service(&folder, &line);
        assert_eq!(ran.code, Some(2), "{line}");
        assert!(
            ran.err.contains("sudo -u") && ran.err.contains("chown"),
            "{}",
            ran.err
        );
    }
    // Readable, and still not the service's to replace: it would no more be root's.
    give(&folder.path("keys.toml"), 0, 0o644);
    let ran = as_service(&folder, &format!("key revoke --store keys.toml {id}"));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("sudo -u"), "{}", ran.err);
    assert_eq!(folder.text("keys.toml"), before);
}

#[test]
fn verify_reports_whether_the_service_can_read_its_files() {
    let Some((folder, _)) = folder_of_the_service() else {
        return;
    };
    let line = format!("{VERIFY} --as {SERVICE}:{SERVICE}");
    assert!(folder.good(&line).contains("1 keys, made with pepper"));
    give(&folder.path("keys.toml"), 0, 0o600);
    let ran = folder.run(&line);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(
        ran.out.contains("not usable: cannot read keys.toml"),
        "{}",
        ran.out
    );
    assert!(folder.good(VERIFY).contains("usable"), "root can");
    give(&folder.path("keys.toml"), SERVICE, 0o600);
    give(&folder.path("pepper"), SERVICE, 0o644);
    let ran = folder.run(&line);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("0600"), "{}", ran.out);
}

#[test]
fn verify_counts_the_supplementary_groups_of_the_service() {
    let Some((folder, _)) = folder_of_the_service() else {
        return;
    };
    let group = SERVICE + 1;
    chown(folder.path("keys.toml"), Some(0), Some(group)).unwrap();
    fs::set_permissions(folder.path("keys.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    let line = "key verify --store keys.toml --as";
    let without = folder.run(&format!("{line} {SERVICE}:{SERVICE}"));
    assert_eq!(without.code, Some(1), "{}", without.err);
    let with = folder.good(&format!("{line} {SERVICE}:{SERVICE},{group}"));
    assert!(with.starts_with("usable"), "{with}");
    let as_group = folder.good(&format!("{line} {SERVICE}:{group}"));
    assert!(as_group.starts_with("usable"), "{as_group}");
}

#[test]
fn only_root_verifies_for_another_user() {
    let Some((folder, _)) = folder_of_the_service() else {
        return;
    };
    let ran = as_service(&folder, &format!("{VERIFY} --as 1001"));
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("as root"), "{}", ran.err);
}

fn give(path: &Path, owner: u32, mode: u32) {
    chown(path, Some(owner), Some(owner)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
