//! Safetensors: a list of tensors in JSON, then their values.

use std::{collections::BTreeMap, fmt, rc::Rc};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    element::Element,
    error::CheckpointError,
    source::Source,
    stored::{Storage, Stored},
    tensors::Tensors,
};

/// A list larger than this is refused: that of a voice has a tenth of it.
const SIZE_LIMIT: u64 = 1 << 20;

/// More tensors than any voice has.
const COUNT_LIMIT: usize = 4096;

const RANK_LIMIT: usize = 8;

/// Tensors, and what the file says about them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Flat {
    /// The tensors.
    pub tensors: Tensors,
    /// The texts under `__metadata__`, by their names.
    pub metadata: BTreeMap<String, String>,
}

/// Opens a file of safetensors, with what it says about its tensors.
///
/// # Errors
///
/// When it is of another kind or damaged, or lists tensors that overlap or reach outside the file.
pub fn open_safetensors(source: Source) -> Result<Flat, CheckpointError> {
    Ok(read(source)?)
}

pub(crate) fn read(mut source: Source) -> Result<Flat, String> {
    let foreign =
        |problem: String| format!("neither a PyTorch checkpoint nor safetensors: {problem}");
    let size = source.read(0, 8).map_err(foreign)?;
    let size = size
        .iter()
        .rev()
        .fold(0, |size, byte| size << 8 | u64::from(*byte));
    if size > SIZE_LIMIT {
        return Err(foreign("the list of tensors is absurdly large".to_owned()));
    }
    let header = source.read(8, size).map_err(foreign)?;
    let header: Header =
        serde_json::from_slice(&header).map_err(|error| foreign(error.to_string()))?;
    let mut ends: Vec<_> = header
        .tensors
        .iter()
        .map(|(_, tensor)| tensor.data_offsets)
        .collect();
    ends.sort_unstable();
    let next = ends.iter().skip(1);
    if ends
        .iter()
        .zip(next)
        .any(|([_, end], [begin, _])| end > begin)
    {
        return Err("its tensors overlap".to_owned());
    }
    let begin = 8 + size;
    let space = source.length() - begin;
    let mut stored = BTreeMap::new();
    for (name, tensor) in header.tensors {
        let one = tensor
            .stored(begin, space)
            .ok_or_else(|| format!("tensor {name} is not as large as it says"))?;
        if stored.insert(name.clone(), one).is_some() {
            return Err(format!("two tensors are called {name:?}"));
        }
    }
    Ok(Flat {
        tensors: Tensors::of_file(source, stored.into_iter()),
        metadata: header.metadata,
    })
}

struct Header {
    tensors: Vec<(String, Listed)>,
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Listed {
    dtype: String,
    shape: Shape,
    data_offsets: [u64; 2],
}

impl Listed {
    fn stored(&self, begin: u64, space: u64) -> Option<Stored> {
        let element = Element::of_name(&self.dtype)?;
        let [from, to] = self.data_offsets;
        let length = to.checked_sub(from).filter(|_| to <= space)?;
        let count = self
            .shape
            .0
            .iter()
            .try_fold(1u64, |count, size| count.checked_mul(*size as u64))?;
        if count.checked_mul(element.width() as u64)? != length {
            return None;
        }
        let storage = Storage {
            start: begin + from,
            length,
            checksum: None,
        };
        Some(Stored {
            element,
            storage: Rc::new(storage),
            offset: 0,
            strides: contiguous(&self.shape.0),
            shape: self.shape.0.clone(),
        })
    }
}

/// Returns the strides of values that lie in order.
fn contiguous(shape: &[usize]) -> Box<[usize]> {
    let below = |at: usize| shape.iter().skip(at + 1);
    let stride = |at: usize| below(at).fold(1usize, |stride, size| stride.saturating_mul(*size));
    (0..shape.len()).map(stride).collect()
}

/// Dimensions, not more than a tensor has.
struct Shape(Box<[usize]>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Dimensions).map(Self)
    }
}

struct Dimensions;

impl<'de> Visitor<'de> for Dimensions {
    type Value = Box<[usize]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up to {RANK_LIMIT} dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<Self::Value, A::Error> {
        let mut shape = Vec::new();
        while let Some(size) = sizes.next_element()? {
            if shape.len() == RANK_LIMIT {
                return Err(Error::invalid_length(RANK_LIMIT + 1, &self));
            }
            shape.push(size);
        }
        Ok(shape.into())
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Listing)
    }
}

struct Listing;

impl<'de> Visitor<'de> for Listing {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up to {COUNT_LIMIT} tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header {
            tensors: Vec::new(),
            metadata: BTreeMap::new(),
        };
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                header.metadata = map.next_value()?;
            } else if header.tensors.len() < COUNT_LIMIT {
                header.tensors.push((name, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
                return Err(Error::invalid_length(COUNT_LIMIT + 1, &self));
            }
        }
        Ok(header)
    }
}
