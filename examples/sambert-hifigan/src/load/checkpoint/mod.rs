//! Tensors from `.pth` and `.safetensors` files.
//!
//! Opening a checkpoint reads only what describes its tensors; each tensor is read when it is asked for. So a
//! voice needs no more memory while it is loaded than it has weights, whatever else a file holds: a checkpoint
//! of a training run is mostly the optimizer's state.

mod archive;
mod element;
mod flat;
mod legacy;
mod names;
mod source;
mod state;
mod stored;
mod tensors;

pub(crate) use self::{
    element::Element,
    flat::{Flat, read_flat},
    source::Source,
    tensors::Tensors,
};
use super::LoadError;

/// Where an acoustic model lies in its checkpoint: as trained, as released in 2022, bare.
pub(crate) const ACOUSTIC_PATHS: &[&[&str]] = &[&["model"], &["fsnet"], &[]];

/// Where a vocoder's generator lies in its checkpoint.
pub(crate) const VOCODER_PATHS: &[&[&str]] =
    &[&["model", "generator"], &["generator"], &["model"], &[]];

const DAMAGED: &str = "the checksum does not fit: the file is damaged";

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
    read(source.into(), paths).map_err(|problem| LoadError::new(file, problem))
}

fn read(mut source: Source, paths: &[&[&str]]) -> Result<Tensors, String> {
    let tensors = match source.read(0, source.length().min(4))?.as_slice() {
        b"PK\x03\x04" => archive::read(source, paths)?,
        [0x80, ..] => legacy::read(source, paths)?,
        _ => read_flat(source)?.tensors,
    };
    Ok(tensors.rename(names::current))
}
