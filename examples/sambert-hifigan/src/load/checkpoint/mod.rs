//! The tensors of a model in its checkpoint, by the names of today.

mod names;

use checkpoint::{CheckpointError, Source, Tensors};

use super::LoadError;

/// Where an acoustic model lies in its checkpoint: as trained, as released in 2022, bare.
pub(crate) const ACOUSTIC_PATHS: &[&[&str]] = &[&["model"], &["fsnet"], &[]];

/// Where a vocoder's generator lies in its checkpoint.
pub(crate) const VOCODER_PATHS: &[&[&str]] =
    &[&["model", "generator"], &["generator"], &["model"], &[]];

/// Opens the tensors at the first of `paths` that holds any.
///
/// # Errors
///
/// One for a damaged file, a file of another kind, or one that holds no tensors there.
pub(crate) fn read_checkpoint(
    file: &str,
    source: impl Into<Source>,
    paths: &[&[&str]],
) -> Result<Tensors, LoadError> {
    let opened = checkpoint::open(source, paths);
    let tensors = opened.map_err(|problem: CheckpointError| LoadError::new(file, problem))?;
    Ok(tensors.rename(names::current))
}
