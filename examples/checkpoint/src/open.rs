//! Opens a checkpoint of any kind.

use crate::{archive, error::CheckpointError, flat, legacy, source::Source, tensors::Tensors};

/// Opens the tensors of a `.pth` or `.safetensors` file. In a `.pth` they lie at the first of `paths` that holds any; a path is
/// the keys of nested dictionaries.
///
/// Only what describes the tensors is read here. Each tensor is read when it is asked for.
///
/// ```
/// use checkpoint::{CheckpointError, open};
///
/// let header = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
/// let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
/// let mut tensors = open(file, &[&["model"], &[]])?;
/// assert_eq!(tensors.shape("w"), Some(&[2][..]));
/// assert_eq!(tensors.take("w").unwrap()?.elem_count(), 2);
/// # Ok::<(), CheckpointError>(())
/// ```
///
/// # Errors
///
/// One for a damaged file, a file of another kind, or one that holds no tensors there.
pub fn open(source: impl Into<Source>, paths: &[&[&str]]) -> Result<Tensors, CheckpointError> {
    Ok(read(source.into(), paths)?)
}

fn read(mut source: Source, paths: &[&[&str]]) -> Result<Tensors, String> {
    match source.read(0, source.length().min(4))?.as_slice() {
        b"PK\x03\x04" => archive::read(source, paths),
        [0x80, ..] => legacy::read(source, paths),
        _ => Ok(flat::read(source)?.tensors),
    }
}
