//! What the machine gives to the service: listeners, file descriptors, space on the disk.
//!
//! | code | what is compared | reason |
//! |---|---|---|
//! | `listener-unavailable` | `[server] https` and `http` with this machine | a start would fail |
//! | `descriptors-low` | `connections` with the hard limit of open files | accepting fails under load (`EMFILE`) |
//! | `disk-low` | free space with 512 MiB | the service warns at the same, and records less below 128 MiB |
//!
//! The limit of files and the free space are read on Linux only; elsewhere these two are silent.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use palisade::{
    config::{Config, ListenOn},
    diagnostics,
    shield::Warning,
};

use crate::failure::Failure;

/// Free space under which the disk of the audit trail is reported, in MiB. The service warns at the same.
const LEAST_FREE_MIB: u64 = 512;

/// Compares the configuration with the machine.
///
/// # Errors
///
/// Fails if the section `[server]` has a mistake.
pub(super) fn examine_machine(config: &Config) -> Result<Vec<Warning>, Failure> {
    let settings = config.server()?;
    let mut found = Vec::new();
    for address in settings
        .https
        .iter()
        .chain(&settings.http)
        .filter_map(ListenOn::as_address)
    {
        found.extend(examine_listener(address));
    }
    found.extend(examine_descriptors(config.connections(), hard_limit()));
    if let Some(file) = config.audit_file() {
        found.extend(examine_disk(&file));
    }
    Ok(found)
}

/// `None` if the list of diagnostics has no such code.
fn warning_with_code(code: &'static str, text: String) -> Option<Warning> {
    diagnostics::find(code).map(|entry| Warning::new(entry, text))
}

/// `listener-unavailable`: opens the listener and closes it at once.
///
/// An address that is in use is the usual state while the service runs, so it is not reported.
fn examine_listener(address: SocketAddr) -> Option<Warning> {
    let remedy = match TcpListener::bind(address).map_err(|error| error.kind()) {
        Ok(_) | Err(ErrorKind::AddrInUse) => return None,
        Err(ErrorKind::PermissionDenied) => {
            "ports under 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE of systemd, or its sockets"
        }
        Err(ErrorKind::AddrNotAvailable) => "this machine has no such address; 0.0.0.0 means all",
        Err(_) => "choose another address",
    };
    warning_with_code(
        "listener-unavailable",
        format!("{address} cannot be opened: {remedy}"),
    )
}

/// `descriptors-low`: connections use at most three quarters of what this user may open.
///
/// The last quarter is for upstream connections, files and the trail. `None` as a limit means that
/// there is none, or that it is not known.
fn examine_descriptors(connections: u64, limit: Option<u64>) -> Option<Warning> {
    let limit = limit?;
    let needed = connections.saturating_mul(4).div_ceil(3);
    if limit >= needed {
        return None;
    }
    let text = format!(
        "{connections} connections need {needed} file descriptors, and the hard limit of this user is \
         {limit}: set LimitNOFILE={needed} for the service, or lower `connections`"
    );
    warning_with_code("descriptors-low", text)
}

/// `RLIMIT_NOFILE`, the hard value: the service raises its soft limit to it.
#[cfg(target_os = "linux")]
fn hard_limit() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // No number means that there is no limit.
    limit.maximum
}

#[cfg(not(target_os = "linux"))]
fn hard_limit() -> Option<u64> {
    None
}

/// `disk-low`: the free space for this user on the disk of the trail.
///
/// The file need not exist: the nearest folder above it that exists is measured.
fn examine_disk(file: &Path) -> Option<Warning> {
    let folder = file.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let free = free_mib(folder)?;
    if free >= LEAST_FREE_MIB {
        return None;
    }
    let text = format!(
        "{}: {free} MiB are free for the audit trail, fewer than {LEAST_FREE_MIB}: make space, or set \
         `keep_days` or `keep_mib`",
        folder.display()
    );
    warning_with_code("disk-low", text)
}

/// Space for users without privileges (`f_bavail`), as the service has it. In MiB, rounded down.
#[cfg(target_os = "linux")]
fn free_mib(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024))
}

#[cfg(not(target_os = "linux"))]
fn free_mib(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_descriptors_are_reported_with_the_number_that_is_needed() {
        let warning = examine_descriptors(1024, Some(1024)).unwrap();
        assert!(
            warning.text.contains("LimitNOFILE=1366"),
            "{}",
            warning.text
        );
        assert!(examine_descriptors(1024, Some(1366)).is_none());
        assert!(examine_descriptors(1024, None).is_none());
    }

    #[test]
    fn a_listener_that_runs_is_no_finding_and_a_foreign_address_is() {
        let running = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(examine_listener(running.local_addr().unwrap()).is_none());
        let foreign = examine_listener("192.0.2.1:8443".parse().unwrap()).unwrap();
        assert_eq!(foreign.code, "listener-unavailable");
    }
}
