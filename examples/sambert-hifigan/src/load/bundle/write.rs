//! Writes a voice into one file.

use std::{
    fmt,
    io::{self, Write},
    path::Path,
};

use candle_core::{DType, Device, Tensor};
use serde_json::{Map, Value, json};

use super::{ACOUSTIC, FORMAT, MVN, SE, VOCODER};
use crate::{
    load::{LoadError, Parts, Tensors, checkpoint::Element, find_voices},
    voice::Model,
};

/// Why a voice was not converted.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConvertError {
    /// The voice could not be read.
    Load(LoadError),
    /// A weight is too large for half precision.
    TooLarge {
        /// The weight's name.
        tensor: String,
    },
    /// The file could not be written.
    Write(io::Error),
}

/// Writes the (default) voice of a package as one file, which [`Voice::load`](crate::Voice::load) reads.
///
/// Weights keep their precision, but for double precision, which is computed in single; with `half` all are
/// written in half precision. No more than one tensor is in memory while it is written.
///
/// # Errors
///
/// When the voice does not load, a weight does not fit, or the writer fails.
pub fn convert(from: &Path, to: impl Write, half: bool) -> Result<(), ConvertError> {
    let found = find_voices(from)?;
    let none = || LoadError::new(from.display().to_string(), "no voice");
    let first = found.first().ok_or_else(none)?;
    // What would not load is not worth converting.
    Model::assemble(Parts::open(first)?)?;
    write(Parts::open(first)?, half, to)
}

/// A tensor that will be written.
struct Planned {
    name: String,
    shape: Vec<usize>,
    kind: DType,
    content: Content,
}

/// Where its values come from.
enum Content {
    Acoustic(String),
    Vocoder(String),
    Values(Vec<f32>),
}

fn write(mut parts: Parts, half: bool, mut file: impl Write) -> Result<(), ConvertError> {
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
    tensors
        .take(name)
        .unwrap_or_else(|| Err("missing".to_owned()))
}

/// Lists what will be written, in its order. Tensors that are no weights are left out.
fn plan(parts: &Parts, half: bool) -> Vec<Planned> {
    let models: [(_, _, fn(String) -> Content); 2] = [
        (ACOUSTIC, &parts.acoustic.tensors, Content::Acoustic),
        (VOCODER, &parts.vocoder.tensors, Content::Vocoder),
    ];
    let mut planned = Vec::new();
    for (prefix, tensors, content) in models {
        for name in tensors.names() {
            let (Some(shape), Some(Element::Float(kind))) =
                (tensors.shape(name), tensors.element(name))
            else {
                continue;
            };
            planned.push(Planned {
                name: format!("{prefix}{name}"),
                shape: shape.to_vec(),
                kind: match kind {
                    _ if half => DType::F16,
                    DType::F64 => DType::F32,
                    kind => kind,
                },
                content: content(name.to_owned()),
            });
        }
    }
    let arrays = [(MVN, &parts.statistics.mvn), (SE, &parts.statistics.se)];
    let arrays = arrays
        .into_iter()
        .filter_map(|(name, values)| Some((name, values.clone()?)));
    planned.extend(arrays.map(|(name, values)| Planned {
        name: name.to_owned(),
        shape: vec![values.len()],
        kind: DType::F32,
        content: Content::Values(values),
    }));
    planned
}

fn header(parts: &Parts, planned: &[Planned]) -> Value {
    let mut about = parts.about.clone();
    about.name = Some(parts.name.clone());
    let mut metadata = Map::from_iter([
        ("format".to_owned(), json!(FORMAT)),
        ("voice.json".to_owned(), json!(about.to_json())),
        (
            "acoustic.config".to_owned(),
            json!(parts.acoustic.config.content),
        ),
        (
            "vocoder.config".to_owned(),
            json!(parts.vocoder.config.content),
        ),
    ]);
    for (name, text) in parts.dictionaries.files() {
        metadata.insert(format!("dict.{name}"), json!(text.content));
    }
    let mut header = Map::from_iter([("__metadata__".to_owned(), Value::Object(metadata))]);
    let mut from = 0;
    for one in planned {
        let to = from + one.shape.iter().product::<usize>() * one.kind.size_in_bytes();
        let dtype = match one.kind {
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            _ => "F32",
        };
        let listed = json!({ "dtype": dtype, "shape": one.shape, "data_offsets": [from, to] });
        header.insert(one.name.clone(), listed);
        from = to;
    }
    Value::Object(header)
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

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::TooLarge { tensor } => write!(f, "{tensor} is too large for half precision"),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConvertError {}

impl From<LoadError> for ConvertError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<io::Error> for ConvertError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
