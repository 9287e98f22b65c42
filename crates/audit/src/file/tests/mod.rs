//! Disks that are full, lie, hang or are tampered with, without a disk.

mod faulty;
mod journal;
mod sink;
mod told;

use std::{io::BufReader, time::Duration};

use crate::{
    VerifyError, VerifyReport,
    verify::{Expected, Scan, Tail},
};

/// Verifies parts one by one, as files.
fn verified(parts: &[&[u8]]) -> Result<VerifyReport, VerifyError> {
    let mut scan = Scan::new(None, Expected::default(), Duration::MAX);
    for part in parts {
        scan.file(&mut BufReader::new(*part), None, Tail::Last)?;
    }
    Ok(scan.finish())
}
