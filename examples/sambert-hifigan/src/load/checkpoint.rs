//! Tensors from `.pth` and `.safetensors` files.

use std::{
    collections::{BTreeMap, HashMap},
    io::{Cursor, Read},
};

use candle_core::{DType, Device, Tensor};
use zip::{CompressionMethod, ZipArchive};

use super::{
    LoadError,
    pickle::{Description, Machine, Object},
};

/// Tensors by name.
pub(crate) type Tensors = BTreeMap<String, Tensor>;

/// Where an acoustic model lies in its checkpoint: as trained, as released in 2022, bare.
pub(crate) const ACOUSTIC_PATHS: &[&[&str]] = &[&["model"], &["fsnet"], &[]];

/// Where a vocoder's generator lies in its checkpoint.
pub(crate) const VOCODER_PATHS: &[&[&str]] =
    &[&["model", "generator"], &["generator"], &["model"], &[]];

/// Reads the tensors at the first of `paths` that holds any.
///
/// # Errors
///
/// One for a damaged file, a file of another kind, or one that holds no tensors there.
pub(crate) fn read_checkpoint(
    file: &str,
    bytes: &[u8],
    paths: &[&[&str]],
) -> Result<Tensors, LoadError> {
    let read = if bytes.starts_with(b"PK\x03\x04") {
        read_zip(bytes, paths)
    } else if bytes.first() == Some(&0x80) {
        read_legacy(bytes, paths)
    } else {
        read_safetensors(bytes)
    };
    let tensors = read.map_err(|problem| LoadError::new(file, problem))?;
    let strip = |(name, tensor): (String, Tensor)| {
        (
            name.strip_prefix("module.").unwrap_or(&name).to_owned(),
            tensor,
        )
    };
    Ok(tensors.into_iter().map(strip).collect())
}

fn read_safetensors(bytes: &[u8]) -> Result<Tensors, String> {
    let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)
        .map_err(|error| format!("neither a PyTorch checkpoint nor safetensors: {error}"))?;
    Ok(tensors.into_iter().collect())
}

fn read_zip(bytes: &[u8], paths: &[&[&str]]) -> Result<Tensors, String> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("damaged archive: {error}"))?;
    let main = archive
        .file_names()
        .flatten()
        .find(|name| name.ends_with("/data.pkl"))
        .map(|name| name.into_owned());
    let main = main.ok_or("the archive holds no data.pkl")?;
    let root = main.trim_end_matches("data.pkl").to_owned();
    let mut entry = |name: &str| read_entry(&mut archive, &format!("{root}{name}"), bytes.len());
    if entry("byteorder").is_ok_and(|order| order == b"big") {
        return Err("the checkpoint was written on a big-endian machine".to_owned());
    }
    let pickle = entry("data.pkl")?;
    let mut machine = Machine::default();
    let (value, _) = machine.run(&pickle)?;
    collect(&machine, &value, paths, |key| entry(&format!("data/{key}")))
}

/// Reads one stored entry; never more than the file has bytes.
fn read_entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    limit: usize,
) -> Result<Vec<u8>, String> {
    let entry = archive
        .by_name(name)
        .map_err(|error| format!("{name}: {error}"))?;
    if entry.compression() != CompressionMethod::Stored || entry.size() > limit as u64 {
        return Err(format!(
            "{name}: compressed or absurdly large, which no checkpoint is"
        ));
    }
    let mut content = Vec::new();
    entry
        .take(limit as u64)
        .read_to_end(&mut content)
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(content)
}

/// Reads the format before PyTorch 1.6: five pickles, then every storage with its length before it.
fn read_legacy(bytes: &[u8], paths: &[&[&str]]) -> Result<Tensors, String> {
    let mut machine = Machine::default();
    let (_magic, rest) = machine.run(bytes)?;
    let (_version, rest) = machine.run(rest)?;
    let (_system, rest) = machine.run(rest)?;
    let (value, rest) = machine.run(rest)?;
    let (keys, mut rest) = machine.run(rest)?;
    let widths = storage_widths(&machine, &value);
    let mut storages: HashMap<&str, &[u8]> = HashMap::new();
    for key in machine
        .items(&keys)
        .ok_or("the checkpoint lists no storages")?
    {
        let Object::Text(key) = key else {
            return Err("a storage is named by something that is not text".to_owned());
        };
        let (length, tail) = rest
            .split_first_chunk()
            .ok_or("the checkpoint ends before its tensors do")?;
        let width = widths
            .get(&**key)
            .copied()
            .ok_or_else(|| format!("storage {key} is of an unknown type"))?;
        let size = u64::from_le_bytes(*length)
            .checked_mul(width)
            .and_then(|size| usize::try_from(size).ok());
        let split = size.and_then(|size| tail.split_at_checked(size));
        let (content, tail) = split.ok_or("the checkpoint ends before its tensors do")?;
        storages.insert(key, content);
        rest = tail;
    }
    collect(&machine, &value, paths, |key| {
        storages
            .get(key)
            .map(|bytes| bytes.to_vec())
            .ok_or_else(|| format!("storage {key} is missing"))
    })
}

/// Finds the width of every storage: in a legacy file the data follow without their type.
fn storage_widths(machine: &Machine, root: &Object) -> HashMap<String, u64> {
    let mut widths = HashMap::new();
    let mut open = vec![(root.clone(), 0)];
    while let Some((object, depth)) = open.pop() {
        if let Object::Tensor(view) = &object
            && let Some((_, width)) = kind(&view.storage.class)
        {
            widths.insert(view.storage.key.to_string(), width as u64);
        }
        if depth < 8 {
            let children = machine
                .entries(&object)
                .unwrap_or_default()
                .iter()
                .map(|(_, value)| value);
            open.extend(children.map(|child| (child.clone(), depth + 1)));
        }
    }
    widths
}

fn collect<S>(
    machine: &Machine,
    root: &Object,
    paths: &[&[&str]],
    mut storage: S,
) -> Result<Tensors, String>
where
    S: FnMut(&str) -> Result<Vec<u8>, String>,
{
    let is_tensor = |(_, value): &(Object, Object)| matches!(value, Object::Tensor(_));
    let found = paths.iter().find_map(|path| {
        let entries = machine.entries(machine.walk(root, path)?)?;
        entries.iter().any(is_tensor).then_some(entries)
    });
    let wanted: Vec<_> = paths.iter().map(|path| path.join(".")).collect();
    let entries = found.ok_or_else(|| format!("no tensors under any of {wanted:?}"))?;
    let mut tensors = Tensors::new();
    let mut cache: Option<(String, Vec<u8>)> = None;
    for (name, value) in entries {
        let (Object::Text(name), Object::Tensor(view)) = (name, value) else {
            continue;
        };
        let key = &*view.storage.key;
        if cache.as_ref().is_none_or(|(cached, _)| cached != key) {
            cache = Some((key.to_owned(), storage(key)?));
        }
        let content = cache
            .as_ref()
            .map(|(_, content)| content.as_slice())
            .unwrap_or_default();
        tensors.insert(
            name.to_string(),
            view_of(view, content).map_err(|fault| format!("{name}: {fault}"))?,
        );
    }
    Ok(tensors)
}

fn kind(class: &str) -> Option<(DType, usize)> {
    match class {
        "BFloat16Storage" => Some((DType::BF16, 2)),
        "DoubleStorage" => Some((DType::F64, 8)),
        "FloatStorage" => Some((DType::F32, 4)),
        "HalfStorage" => Some((DType::F16, 2)),
        "LongStorage" => Some((DType::I64, 8)),
        _ => None,
    }
}

/// Copies a view out of its storage, in order, after checking that it lies inside.
fn view_of(view: &Description, content: &[u8]) -> Result<Tensor, String> {
    let class = &view.storage.class;
    let (dtype, width) =
        kind(class).ok_or_else(|| format!("tensors of type {class} are not read"))?;
    let outside = || "the tensor reaches outside its storage".to_owned();
    let mut count = 1usize;
    let mut last = view.offset;
    for (size, stride) in view.shape.iter().zip(&view.strides) {
        count = count.checked_mul(*size).ok_or_else(outside)?;
        let step = size.saturating_sub(1).checked_mul(*stride);
        last = step
            .and_then(|step| last.checked_add(step))
            .ok_or_else(outside)?;
    }
    let length = content.len() / width;
    // A stride of zero could repeat a small storage without end.
    if count > length || (count > 0 && last >= length) {
        return Err(outside());
    }
    let mut bytes = Vec::with_capacity(count * width);
    let mut position = vec![0; view.shape.len()];
    for _ in 0..count {
        let index: usize = position
            .iter()
            .zip(&view.strides)
            .map(|(p, s)| p * s)
            .sum::<usize>()
            + view.offset;
        bytes.extend_from_slice(
            content
                .get(index * width..(index + 1) * width)
                .ok_or_else(outside)?,
        );
        for (p, size) in position.iter_mut().zip(&view.shape).rev() {
            *p += 1;
            if *p < *size {
                break;
            }
            *p = 0;
        }
    }
    Tensor::from_raw_buffer(&bytes, dtype, &view.shape, &Device::Cpu)
        .map_err(|error| error.to_string())
}
