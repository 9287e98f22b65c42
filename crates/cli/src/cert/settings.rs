//! The configuration file of a service, as far as it is about certificates.
//!
//! It is parsed by `palisade::config`, as the service does: a file with a mistake fails here too.

use std::{fs, path::Path};

use palisade::config::{CertificateSource, Config};

use crate::Failure;

/// Reads where the certificate of a service comes from.
///
/// The file may have sections of an application that this command does not know: they are not
/// checked.
///
/// Fails if the file cannot be read or has a mistake. The error names the line.
///
/// All top-level sections of the file are given to the parser as known. A misspelled section is
/// therefore found by the service and not here.
pub(crate) fn certificate_source(path: &Path) -> Result<CertificateSource, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    // `Config` reports text that is not TOML, with its line.
    let sections = text.parse::<toml::Table>().unwrap_or_default();
    let sections: Vec<&str> = sections.keys().map(String::as_str).collect();
    let config = Config::read_with(path, &sections)?;
    Ok(config.server()?.certificate)
}

/// The failure where the file has no authority.
///
/// Printed if the certificate comes from files, or if the server has none.
pub(crate) fn no_authority(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(format!("{path}: there is no [server.acme]"))
}
