//! Disks that are full, lie, hang or are tampered with, without a disk.

mod checkpoints;
#[cfg(feature = "zstd")]
mod compression;
mod encoded_records;
mod faulty;
mod journal;
mod sink;
mod slow_disk;
mod retention;
mod log_lines;
mod roots;

use std::{io::BufReader, time::Duration};

use crate::verify::{ExpectedRecords, FileEnd, Scan, VerifyError, VerifyReport};

/// Verifies parts one by one, as files.
fn verified(parts: &[&[u8]]) -> Result<VerifyReport, VerifyError> {
    let mut scan = Scan::new(None, ExpectedRecords::default(), Duration::MAX);
    for part in parts {
        scan.file(&mut BufReader::new(*part), None, FileEnd::Last)?;
    }
    Ok(scan.finish())
}
