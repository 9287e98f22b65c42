//! Completions and manual pages, as a shell and `man` read them.

use std::process::Command;

use crate::support::Folder;

#[test]
fn shells_accept_their_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.good(&format!("completions {shell}"));
        for word in ["gateway", "doctor", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        std::fs::write(folder.path(shell), &script).unwrap();
        let mut parser = Command::new(shell);
        let parsed = parser.arg("-n").arg(folder.path(shell)).output();
        match parsed {
            Ok(parsed) => assert!(parsed.status.success(), "{shell}: {parsed:?}"),
            Err(_) => eprintln!("SKIPPED: {shell} is not installed"),
        }
    }
}

#[test]
fn bash_completes_a_command_and_an_option() {
    let folder = Folder::new();
    std::fs::write(folder.path("c"), folder.good("completions bash")).unwrap();
    for (words, expected) in [
        ("palisade gat", "gateway"),
        ("palisade gateway --upst", "--upstream"),
        ("palisade key rev", "revoke"),
    ] {
        let all: Vec<&str> = words.split(' ').collect();
        let list = all.join(" ");
        let last = all.len() - 1;
        let before = all[last - 1];
        let script = format!(
            ". ./c; COMP_WORDS=({list}); COMP_CWORD={last}; _palisade palisade '{}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            all[last]
        );
        let ran = Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path("."))
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(out.contains(expected), "{words}: {out} {ran:?}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = Folder::new();
    folder.good("man pages");
    for (page, text) in [
        ("palisade.1", "gateway"),
        ("palisade-gateway.1", "upstream"),
        ("palisade-key-new.1", "expires"),
        ("palisade-doctor.1", "Exit codes"),
        ("palisade-config-schema.1", "Schema"),
    ] {
        let roff = folder.text(&format!("pages/{page}"));
        assert!(roff.contains(".SH"), "{page}");
        assert!(roff.contains(text), "{page}: {text}");
    }
    // Every command that the help lists has one.
    let help = folder.good("key --help");
    for name in ["new", "list", "revoke", "rotate", "verify"] {
        assert!(help.contains(name), "{help}");
        assert!(
            folder
                .path(&format!("pages/palisade-key-{name}.1"))
                .exists()
        );
    }
}
