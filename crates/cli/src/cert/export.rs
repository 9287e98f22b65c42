//! `palisade cert export`: prints the certificate of a service for other programs, without its key.
//!
//! | the file has | exported |
//! |---|---|
//! | `certificate` | the chain of that file |
//! | `[server.acme]` | the chain in the cache |
//! | neither | the development authority, for browsers and `curl --cacert` |
//!
//! A private key is never exported, also if the file of the chain has it too.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use palisade::config::{CertificateSource, OpenedCertificate};
use palisade_core::SystemClock;

use super::settings::certificate_source;
use crate::{failure::Failure, output};

/// The certificate of a development authority in its folder.
const AUTHORITY: &str = "ca.pem";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

const EXAMPLES: &str = "\
Examples:
  palisade cert export --config server.toml > chain.pem
  palisade cert export --config gateway.toml --output development-ca.pem
  palisade cert export --authority ~/.local/share/palisade-gateway/tls --output ca.pem

Exit codes: 0 exported, 1 there is no certificate, 2 it could not be read or written.";

/// Print the certificate of a service in PEM, or that of its development authority
///
/// A browser that trusts the development authority trusts only the names that the authority may sign
/// for. Compare its SHA-256 with that of the start of the service before you trust it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// The configuration file of the service
    ///
    /// Without `certificate` and [server.acme], the development authority in the folder `tls` beside
    /// the file is exported.
    #[arg(long, value_name = "FILE", required_unless_present = "authority")]
    config: Option<PathBuf>,
    /// The folder of a development authority
    ///
    /// For a service without a configuration file: the folder is in its start message.
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    authority: Option<PathBuf>,
    /// Write to this file, which must not exist. Default: standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    /// Prints or writes the certificates. The result is "no" if there is none.
    ///
    /// # Errors
    ///
    /// Exit code 1: there is no certificate yet. Exit code 2: the configuration, the certificate or the output cannot
    /// be used.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let path = match (&self.authority, &self.config) {
            (Some(folder), _) => folder.join(AUTHORITY),
            (None, Some(config)) => path_of(config)?,
            (None, None) => return Err(Failure::new("name a file or a folder")),
        };
        let read = std::fs::read_to_string(&path);
        let text = read.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let certificates = only_certificates(&text);
        if certificates.is_empty() {
            output::print_note(format!("{}: there is no certificate", path.display()));
            return Err(Failure::No);
        }
        match &self.output {
            Some(file) => write_new(file, &certificates),
            None => Ok(output::print_result(certificates.trim_end())?),
        }
    }
}

/// Returns the file of the certificate. It is opened as the service does, so that one without its key,
/// or an expired one, is an error here too.
///
/// # Errors
///
/// The configuration has a mistake, or the service could not start with this certificate.
fn path_of(file: &Path) -> Result<PathBuf, Failure> {
    let (config, source) = certificate_source(file)?;
    match (config.open_certificate(&SystemClock::shared())?, source) {
        (OpenedCertificate::Acme { acme, certificates }, _) => match certificates.is_pending() {
            true => {
                output::print_note("there is no certificate that is valid now");
                Err(Failure::No)
            }
            false => Ok(acme.status()?.path),
        },
        (_, CertificateSource::Files { chain, .. }) => Ok(chain),
        _ => {
            let folder = config.development_authority();
            let folder = folder.unwrap_or_else(|| config.path("tls"));
            Ok(folder.join(AUTHORITY))
        }
    }
}

/// Returns the certificates of a PEM text, and nothing else that is in it.
fn only_certificates(text: &str) -> String {
    let mut found = String::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim_end) {
        is_inside = is_inside || line == BEGIN;
        if is_inside {
            found.push_str(line);
            found.push('\n');
        }
        is_inside = is_inside && line != END;
    }
    found
}

/// Writes a file that must not exist yet: a mistyped name must not replace another file.
///
/// # Errors
///
/// The file exists, or cannot be written.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_exported() {
        let one = format!("{BEGIN}\nAAAA\n{END}\n");
        let key = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n";
        let text = format!(
            "a comment\r\n{key}{one}text\n{}{key}",
            one.replace('\n', "\r\n")
        );
        assert_eq!(only_certificates(&text), format!("{one}{one}"));
        assert_eq!(only_certificates(key), "");
    }
}
