//! The programs that the pages start: this package's, and those of other packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use crate::markdown::root;

/// Returns the program of the tutorial.
pub fn tutorial() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_tutorial"))
}

/// Returns the program of another package. A build of the workspace has made it; else it is built now.
pub fn of_package(package: &str, name: &str, sources: &[&str]) -> PathBuf {
    let program = tutorial().with_file_name(name);
    let changed = sources
        .iter()
        .filter_map(|folder| newest(&root().join(folder)))
        .max();
    let built = fs::metadata(&program).and_then(|file| file.modified()).ok();
    if built.is_none() || built < changed {
        build(package);
    }
    assert!(program.exists(), "{} is missing", program.display());
    program
}

/// Returns the time of the last change of a Rust source in a folder.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?;
    let times = entries.filter_map(Result::ok).filter_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            newest(&path)
        } else {
            let is_source = path.extension().is_some_and(|ending| ending == "rs");
            fs::metadata(&path)
                .and_then(|file| file.modified())
                .ok()
                .filter(|_| is_source)
        }
    });
    times.max()
}

fn build(package: &str) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--bins", "-p", package])
        .current_dir(root());
    if tutorial()
        .parent()
        .is_some_and(|folder| folder.ends_with("release"))
    {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "cannot build {package}");
}
