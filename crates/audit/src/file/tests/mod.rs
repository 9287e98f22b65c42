//! Disks that are full, lie, hang or are tampered with, without a disk.

mod faulty;
mod journal;
mod sink;

use std::io::BufReader;

use crate::{VerifyError, VerifyReport, verify::Walk};

/// Verifies parts one by one, as files.
fn verified(parts: &[&[u8]]) -> Result<VerifyReport, VerifyError> {
    let mut walk = Walk::new(None, None);
    for part in parts {
        walk.file(&mut BufReader::new(*part), None)?;
    }
    walk.finish(None)
}
