//! The format before PyTorch 1.6: five pickles, then every storage with its length before it.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read},
};

use crate::{
    pickle::{Machine, Object},
    source::Source,
    state::{describe, element},
    stored::Storage,
    tensors::Tensors,
};

/// Memory a pickle may use besides twice the size of its file.
pub(crate) const ALLOWANCE: u64 = 512 << 10;

pub(crate) fn read(mut source: Source, paths: &[&[&str]]) -> Result<Tensors, String> {
    let mut machine = Machine::new(allowance(&source));
    let length = source.length();
    let mut pickles = Counted {
        inner: BufReader::new(source.reader(0)?),
        count: 0,
    };
    for _magic_version_and_system in 0..3 {
        machine.run(&mut pickles)?;
    }
    let root = machine.run(&mut pickles)?;
    let keys = machine.run(&mut pickles)?;
    let start = pickles.count;
    let places = places(&mut source, start, length, &machine, &keys)?;
    let stored = describe(&machine, &root, paths, |storage| {
        let place = places.get(&*storage.key).copied();
        place.ok_or_else(|| format!("storage {} is missing", storage.key))
    })?;
    Ok(Tensors::of_file(source, stored.into_iter()))
}

/// Returns how much memory the pickles of a file may use.
pub(crate) fn allowance(source: &Source) -> usize {
    usize::try_from(source.length().saturating_mul(2).saturating_add(ALLOWANCE))
        .unwrap_or(usize::MAX)
}

/// Finds every storage: they follow the pickles in the listed order, each with its number of values before it.
fn places<'a>(
    source: &mut Source,
    mut at: u64,
    end: u64,
    machine: &'a Machine,
    keys: &Object,
) -> Result<BTreeMap<&'a str, Storage>, String> {
    let short = "the checkpoint ends before its tensors do";
    // The data follow without their type, which only the names of the storages tell.
    let named = machine
        .storages()
        .iter()
        .map(|storage| (&*storage.key, storage));
    let named: BTreeMap<_, _> = named.collect();
    let mut places = BTreeMap::new();
    for key in machine
        .items(keys)
        .ok_or("the checkpoint lists no storages")?
    {
        let Object::Text(key) = key else {
            return Err("a storage is named by something that is not text".to_owned());
        };
        let (key, storage) = named
            .get_key_value(&**key)
            .ok_or_else(|| format!("storage {key} belongs to no tensor"))?;
        let count = source.read(at, 8).map_err(|_| short)?;
        let count = u64::from_le_bytes(count.try_into().map_err(|_| short)?);
        let start = at + 8;
        let length = count
            .checked_mul(element(storage)?.width() as u64)
            .ok_or(short)?;
        at = start
            .checked_add(length)
            .filter(|at| *at <= end)
            .ok_or(short)?;
        let place = Storage {
            start,
            length,
            checksum: None,
        };
        if places.insert(*key, place).is_some() {
            return Err(format!("storage {key} is listed twice"));
        }
    }
    Ok(places)
}

/// Knows how many bytes have been read.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}
