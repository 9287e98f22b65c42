//! Writes a voice into one file.

use std::io::Write;

use candle_core::{DType, Device, Tensor};
use checkpoint::Tensors;

use super::{
    ConvertError,
    plan::{Content, header, plan},
};
use crate::load::{LoadError, Parts};

/// Writes the parts of a voice.
///
/// Weights keep their precision, but for double precision, which is computed in single; with `half` all are
/// written in half precision. No more than one tensor is in memory while it is written.
pub(crate) fn write(
    mut parts: Parts,
    half: bool,
    mut file: impl Write,
) -> Result<(), ConvertError> {
    let planned = plan(&parts, half);
    let mut header = header(&parts, &planned).to_string().into_bytes();
    // The values begin at a multiple of eight bytes, so that they may be mapped into memory.
    header.resize(header.len().next_multiple_of(8), b' ');
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for one in planned {
        let name = &one.name;
        let tensor = match &one.content {
            Content::Acoustic(name) => take(&mut parts.acoustic.tensors, name),
            Content::Vocoder(name) => take(&mut parts.vocoder.tensors, name),
            Content::Values(values) => {
                Tensor::from_slice(values, one.shape.as_slice(), &Device::Cpu)
                    .map_err(|error| error.to_string())
            }
        };
        let bytes = tensor.and_then(|tensor| {
            let bytes = bytes_of(&tensor, one.kind);
            bytes.map_err(|error| error.to_string())
        });
        let bytes = bytes.map_err(|problem| LoadError::new(name, problem))?;
        let Some(bytes) = bytes else {
            return Err(ConvertError::TooLarge { tensor: one.name });
        };
        file.write_all(&bytes)?;
    }
    Ok(file.flush()?)
}

fn take(tensors: &mut Tensors, name: &str) -> Result<Tensor, String> {
    let taken = tensors.take(name).map(|read| read.map_err(String::from));
    taken.unwrap_or_else(|| Err("missing".to_owned()))
}

/// Returns a tensor's values as bytes of a type, or nothing when one does not fit.
fn bytes_of(tensor: &Tensor, kind: DType) -> candle_core::Result<Option<Vec<u8>>> {
    let converted = tensor.flatten_all()?.to_dtype(kind)?;
    let values: Vec<f32> = converted.to_dtype(DType::F32)?.to_vec1()?;
    if !values.iter().all(|value| value.is_finite()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    converted.write_bytes(&mut bytes)?;
    Ok(Some(bytes))
}
