//! Reads secrets and certificates that the file names: in a file of their own, or, a secret, in a variable of the
//! environment.
//!
//! Errors name the key, never the content. They do not repeat the name of a variable either: it may be
//! the secret, written in the wrong place.

#[cfg(any(feature = "jwt", feature = "otlp", feature = "webhook"))]
use std::env;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use palisade_core::Secret;
use palisade_internal::private_file;
use toml::Spanned;

#[cfg(any(feature = "jwt", feature = "otlp", feature = "webhook"))]
use crate::config::document::SecretSource;
use crate::config::{Config, ConfigFileError};

/// The longest secret, in bytes. A longer file is probably another one.
const LONGEST: u64 = 16 * 1024;
/// The problem of a file that others may replace.
const OTHERS_WRITE: &str = "others may write it: run chmod go-w on it";
/// The problem of a variable. Without its name, which may be the secret.
#[cfg(any(feature = "jwt", feature = "otlp", feature = "webhook"))]
const NOT_SET: &str = "the variable is not set";
/// What to write.
const REMEDY: &str =
    "write { file = \"secret\" } or { environment = \"NAME\" }, with the secret alone in it";

impl Config {
    /// Reads a secret of at least `least` bytes, without white space around it.
    #[cfg(any(feature = "jwt", feature = "otlp", feature = "webhook"))]
    pub(in crate::config) fn secret(
        &self,
        source: &Spanned<SecretSource>,
        least: usize,
    ) -> Result<Secret, ConfigFileError> {
        let named = source.get_ref();
        match (&named.file, &named.environment) {
            (Some(file), None) => self.secret_file(file, least),
            (None, Some(name)) => {
                let text = variable(name.get_ref());
                let secret = text.and_then(|text| checked(text.as_bytes(), least));
                secret.map_err(|problem| self.source.at(name, problem, REMEDY))
            }
            _ => {
                let problem = "the secret needs one place where it is";
                Err(self.source.at(source, problem, REMEDY))
            }
        }
    }

    /// Reads a secret with the white space around it: it may be random bytes.
    #[cfg(feature = "webhook")]
    pub(in crate::config) fn secret_bytes(
        &self,
        source: &Spanned<SecretSource>,
    ) -> Result<Secret, ConfigFileError> {
        let named = source.get_ref();
        match (&named.file, &named.environment) {
            (Some(file), None) => {
                let bytes = read_file(&self.path(file.get_ref()));
                bytes
                    .map(Secret::new)
                    .map_err(|problem| self.source.at(file, problem, REMEDY))
            }
            (None, Some(name)) => {
                let text = variable(name.get_ref());
                text.map(Secret::new)
                    .map_err(|problem| self.source.at(name, problem, REMEDY))
            }
            // The same error as for any other secret.
            _ => self.secret(source, 1),
        }
    }

    /// Reads a secret of at least `least` bytes from a file, without white space around it.
    pub(in crate::config) fn secret_file(
        &self,
        file: &Spanned<PathBuf>,
        least: usize,
    ) -> Result<Secret, ConfigFileError> {
        let bytes = read_file(&self.path(file.get_ref()));
        let secret = bytes.and_then(|bytes| checked(&bytes, least));
        secret.map_err(|problem| self.source.at(file, problem, REMEDY))
    }

    /// Reads a secret with the white space around it, such as a key in PEM. `remedy` says what to write.
    #[cfg(feature = "redis")]
    pub(in crate::config) fn secret_content(
        &self,
        file: &Spanned<PathBuf>,
        remedy: &str,
    ) -> Result<Vec<u8>, ConfigFileError> {
        let bytes = read_file(&self.path(file.get_ref()));
        bytes.map_err(|problem| self.source.at(file, problem, remedy))
    }

    /// Reads a file with certificates.
    #[cfg(any(
        feature = "jwks-url",
        feature = "otlp",
        feature = "syslog-tls",
        feature = "webhook"
    ))]
    pub(in crate::config) fn pem(
        &self,
        file: Option<&Spanned<PathBuf>>,
    ) -> Result<Option<String>, ConfigFileError> {
        let Some(file) = file else {
            return Ok(None);
        };
        let text = crate::config::read::read_file(&self.path(file.get_ref()));
        text.map(Some).map_err(|problem| {
            let remedy = "name a file with certificates in PEM";
            self.source.at(file, problem, remedy)
        })
    }
}

/// Reads a regular file of bounded length that no one but its owner writes. A pipe could block the start for ever.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = regular(path).and_then(only_owner_writes);
    let read = opened.and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 <= LONGEST => Ok(bytes),
        Ok(_) => Err(format!("it is longer than {LONGEST} bytes")),
        Err(problem) => Err(problem.to_string()),
    }
}

/// Opens a regular file.
fn regular(path: &Path) -> io::Result<File> {
    match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// Refuses a file in which others may write: they would choose the secret. That others may read it is told by
/// `palisade doctor` alone, since containers mount secrets so.
fn only_owner_writes(file: File) -> io::Result<File> {
    match private_file::others_may(&file, 0o022)? {
        true => Err(io::Error::other(OTHERS_WRITE)),
        false => Ok(file),
    }
}

/// Reads a variable that the configuration names.
#[cfg(any(feature = "jwt", feature = "otlp", feature = "webhook"))]
#[allow(clippy::disallowed_methods)] // The configuration says where the secret is.
fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| NOT_SET.to_owned())
}

/// Removes white space around the secret, and checks its length.
fn checked(bytes: &[u8], least: usize) -> Result<Secret, String> {
    let secret = bytes.trim_ascii();
    match secret.len() >= least {
        true => Ok(Secret::new(secret)),
        false => Err(format!("the secret has fewer than {least} bytes")),
    }
}
