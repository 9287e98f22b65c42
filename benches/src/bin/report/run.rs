//! Runs the benches and the servers under load, as a user would by hand.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::Failure;

/// The packages of peers have a workspace of their own.
const PEERS: &str = "benches/peers/Cargo.toml";

/// Where this run of cargo puts what it builds.
pub(crate) fn target_folder(project: &Path) -> Result<PathBuf, Failure> {
    let metadata = cargo(project)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let folder = metadata
        .get("target_directory")
        .and_then(Value::as_str)
        .ok_or("cargo names no target folder")?;
    Ok(folder.into())
}

/// All benches of criterion; their results are in `target/criterion`.
pub(crate) fn benches(project: &Path, target: &Path) -> Result<(), Failure> {
    let mut ours = cargo(project);
    ours.args(["bench", "--package", "benches"]);
    succeed(ours.env("CARGO_TARGET_DIR", target))?;
    let mut peers = cargo(project);
    peers.args(["bench", "--manifest-path", PEERS, "--bench", "peers"]);
    succeed(peers.env("CARGO_TARGET_DIR", target))
}

/// The servers under load; their results are in `target/load.json`.
pub(crate) fn load(project: &Path, target: &Path) -> Result<(), Failure> {
    let mut load = cargo(project);
    load.args([
        "run",
        "--release",
        "--manifest-path",
        PEERS,
        "--bin",
        "load",
        "--",
        "--out",
    ]);
    load.arg(target.join("load.json"));
    succeed(load.env("CARGO_TARGET_DIR", target))
}

fn cargo(project: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project);
    command
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{command:?} ended with {status}").into())
}
