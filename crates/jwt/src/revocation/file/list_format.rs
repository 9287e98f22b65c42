//! What the watcher of files needs to know about a list: how it is read, and what is reported.

use std::{io, path::Path};

use palisade_internal::watched_file::{FileFormat, Report};

use super::document;
use crate::{error::JwtBuildError, revocation::RevocationEntries};

/// Connects the file to the watcher of files.
pub(super) struct ListFormat;

impl FileFormat for ListFormat {
    type Value = RevocationEntries;
    type Error = JwtBuildError;

    fn read(&self, path: &Path, text: &str) -> Result<RevocationEntries, JwtBuildError> {
        document::read(text).map_err(|problem| {
            JwtBuildError::Read(
                path.into(),
                io::Error::new(io::ErrorKind::InvalidData, problem),
            )
        })
    }

    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> JwtBuildError {
        let problem = match attempt {
            "read" => problem,
            _ => io::Error::new(problem.kind(), format!("cannot {attempt} it: {problem}")),
        };
        JwtBuildError::Read(path.into(), problem)
    }

    fn report(&self, path: &Path, report: Report<'_, RevocationEntries, JwtBuildError>) {
        let path = path.display();
        match report {
            Report::Expired(problem) => {
                tracing::error!(target: "palisade", %path, %problem, "the list of revoked tokens could not be read for too long; every token is refused with 503 until it can");
            }
            Report::Kept(problem) => {
                tracing::error!(target: "palisade", %path, %problem, "the list of revoked tokens cannot be read; the entries before stay in force for a limited time");
            }
            Report::Loaded(entries) => {
                let entries = entries.len();
                tracing::info!(target: "palisade", %path, entries, "the list of revoked tokens was read");
            }
        }
    }
}
