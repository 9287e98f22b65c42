//! The configuration file of a service, as far as it is about certificates.
//!
//! It is parsed by `palisade::config`, as the service does: a file with a mistake fails here too.

use std::path::Path;

use palisade::config::{CertificateSource, Config};

use crate::failure::Failure;

/// Reads the configuration of a service.
///
/// The file may have sections of an application that this command does not know: they are not
/// checked. A section whose name is nearly that of a section of Palisade is an error.
///
/// Fails if the file cannot be read or has a mistake. The error names the line.
pub(crate) fn certificate_source(path: &Path) -> Result<(Config, CertificateSource), Failure> {
    let config = Config::read_any(path)?;
    let certificate = config.server()?.certificate;
    Ok((config, certificate))
}

/// The failure where the file has no authority.
///
/// Printed if the certificate comes from files, or if the server has none.
pub(crate) fn no_authority(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(format!("{path}: there is no [server.acme]"))
}
