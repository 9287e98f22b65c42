//! Commands of root on the files of a service, and of the service on files of root. Skipped
//! without root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
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
fn a_lock_file_that_root_did_not_create_keeps_its_owner() {
    let Some((folder, id)) = folder_of_the_service() else {
        return;
    };
    let lock = folder.path("keys.toml.lock");
    chown(&lock, Some(0), Some(0)).unwrap();
    let refused = as_service(&folder, &format!("key revoke --store keys.toml {id}"));
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("chown"), "{}", refused.err);
    folder.good(NEW);
    assert_eq!(fs::metadata(&lock).unwrap().uid(), 0);
    fs::remove_file(&lock).unwrap();
    folder.good(NEW);
    assert_eq!(fs::metadata(&lock).unwrap().uid(), SERVICE, "a new one");
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

/// The service planted links into its folders before root runs the command.
#[test]
fn a_certificate_command_of_root_has_the_rights_of_the_owner_of_the_cache_alone() {
    let Some((folder, _)) = folder_of_the_service() else {
        return;
    };
    let text = "[server]\nhosts = [\"voice.example\"]\nhttp = \"127.0.0.1:80\"\n[server.acme]\n\
        domains = [\"voice.example\"]\nterms = \"accepted\"\ndirectory = \"https://127.0.0.1:1/dir\"\n\
        self_check = false\nchallenge = \"http-01\"\n";
    fs::write(folder.path("server.toml"), text).unwrap();
    chown(folder.path("server.toml"), Some(SERVICE), Some(SERVICE)).unwrap();
    let outside = Folder::new();
    fs::write(outside.path("http-secret"), "root:x").unwrap();
    let line = "cert renew --config server.toml --listen 127.0.0.1:0";
    let ran = folder.run(line);
    assert!(ran.err.contains("continues as user 1000"), "{}", ran.err);
    check_owner(&folder, SERVICE);

    // A folder that only root may write in, in the place of the whole cache, and of parts of it.
    let moved = folder.path("moved");
    fs::rename(folder.path("acme"), &moved).unwrap();
    symlink(outside.path(""), folder.path("acme")).unwrap();
    assert_eq!(folder.run(line).code, Some(2));
    fs::remove_file(folder.path("acme")).unwrap();
    fs::rename(&moved, folder.path("acme")).unwrap();
    fs::remove_dir(folder.path("acme/challenges")).unwrap();
    symlink(outside.path(""), folder.path("acme/challenges")).unwrap();
    fs::remove_file(folder.path("acme/lock")).unwrap();
    symlink(outside.path("http-secret"), folder.path("acme/lock")).unwrap();
    assert_eq!(folder.run(line).code, Some(2));
    check_unchanged(&outside);
}

/// No one but root owns the file, and there is no other one.
fn check_unchanged(outside: &Folder) {
    let metadata = fs::metadata(outside.path("http-secret")).unwrap();
    assert_eq!(metadata.uid(), 0);
    assert_eq!(outside.text("http-secret"), "root:x");
    assert_eq!(fs::read_dir(outside.path("")).unwrap().count(), 1);
}

#[test]
fn a_command_of_root_overwrites_no_file_behind_a_link_of_the_service() {
    let Some((folder, _)) = folder_of_the_service() else {
        return;
    };
    let outside = Folder::new();
    fs::write(outside.path("http-secret"), "root:x").unwrap();
    let mint = "token mint --key dev.pem --jwks dev.jwks --issuer https://dev.test --audience a --subject s";
    for name in ["dev.jwks", "other.toml"] {
        symlink(outside.path("http-secret"), folder.path(name)).unwrap();
        lchown(folder.path(name), Some(SERVICE), Some(SERVICE)).unwrap();
    }
    let refused = folder.run(mint);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("link of user 1000"), "{}", refused.err);
    let refused = folder.run("key new --store other.toml --pepper pepper");
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    check_unchanged(&outside);
}

fn give(path: &Path, owner: u32, mode: u32) {
    chown(path, Some(owner), Some(owner)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
