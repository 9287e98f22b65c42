//! The audit trail in the data folder.

use std::path::Path;

use palisade::audit::AuditKey;
use palisade::core::SharedClock;
use palisade::{AuditLayer, FileSink};
use palisade_internal::hex;

use crate::{
    error::StartError,
    first_start::{DataFolder, write_private},
};

const FILE: &str = "audit.jsonl";
const KEY: &str = "audit.key";

/// Opens the trail, or begins it.
pub(crate) fn open(folder: &DataFolder, clock: &SharedClock) -> Result<AuditLayer, StartError> {
    let path = folder.inner("audit")?.join(FILE);
    let sink = FileSink::builder(&path)
        .key(key(folder)?)
        .clock(clock.clone());
    let broken = |error: palisade::audit::AuditBuildError| {
        StartError::new(format!("the audit trail cannot be written: {error}"))
    };
    let sink = sink.open().map_err(broken)?;
    AuditLayer::builder()
        .sink(sink)
        .clock(clock.clone())
        .build()
        .map_err(broken)
}

/// Reads the key of the trail, or makes it. It lies beside the folder of the trail, not in it: a process that
/// may delete old records must not be able to forge new ones.
fn key(folder: &DataFolder) -> Result<AuditKey, StartError> {
    let path = folder.file(KEY);
    if !path.exists() {
        make_key(&path)?;
    }
    AuditKey::from_file(&path).map_err(|error| StartError::at(&path, error))
}

fn make_key(path: &Path) -> Result<(), StartError> {
    let broken = |error: &dyn std::fmt::Display| {
        StartError::at(
            path,
            format!("the key of the audit trail cannot be made: {error}"),
        )
    };
    let key = AuditKey::generate().map_err(|error| broken(&error))?;
    // As text, so that it survives editors and copies.
    let text = hex::encode(key.expose());
    write_private(path, &text).map_err(|error| broken(&error))
}
