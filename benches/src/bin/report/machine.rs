//! The machine and the versions that a run was made with.

use std::{fs, path::Path, process::Command};

use crate::Failure;

/// Packages whose versions are printed, with the lock file that has them.
const COMPARED: &[&str] = &[
    "axum",
    "axum-governor",
    "axum-jwt-auth",
    "axum-server",
    "governor",
    "jsonwebtoken",
    "jwt-authorizer",
    "tower-http",
    "tower-oauth2-resource-server",
    "tower_governor",
];

/// One sentence about the machine: processor, cores, compiler.
pub(crate) fn describe() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("an unknown processor", |name| {
        name.trim_start_matches(['\t', ' ', ':'])
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let compiler = compiler.unwrap_or_else(|_| "an unknown compiler".to_owned());
    format!("{cores} cores of {name}, {compiler}")
}

/// The packages that are compared and their versions, as the lock files have them.
pub(crate) fn versions(project: &Path) -> Result<Vec<String>, Failure> {
    let lock = fs::read_to_string(project.join("benches/peers/Cargo.lock"))?;
    let lock: toml::Table = lock.parse()?;
    let packages = lock
        .get("package")
        .and_then(toml::Value::as_array)
        .ok_or("a lock file has packages")?;
    let version = |package: &toml::Value| {
        let name = package.get("name")?.as_str()?;
        let version = package.get("version")?.as_str()?;
        COMPARED
            .contains(&name)
            .then(|| format!("{name} {version}"))
    };
    Ok(packages.iter().filter_map(version).collect())
}
