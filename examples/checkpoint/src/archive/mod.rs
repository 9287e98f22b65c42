//! The format since PyTorch 1.6: a zip archive of one pickle and a file for each storage.
//!
//! A general reader keeps several hundred bytes for each entry, which a file may list with fifty; this one reads
//! what checkpoints have: entries that are not compressed, not encrypted, and do not overlap.

mod directory;

use self::directory::{Directory, Entry};
use crate::{
    legacy::allowance,
    pickle::Machine,
    source::Source,
    state::describe,
    stored::{DAMAGED, Storage},
    tensors::Tensors,
};

/// A pickle larger than this is refused before it is read.
const PICKLE_LIMIT: u64 = 16 << 20;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_LENGTH: u64 = 30;

pub(crate) fn read(mut source: Source, paths: &[&[&str]]) -> Result<Tensors, String> {
    let directory = Directory::read(&mut source)?;
    let root = directory.root().ok_or("the archive holds no data.pkl")?;
    if let Some(order) = directory.find(&root, "byteorder")
        && content(&mut source, order, 16)? == b"big"
    {
        return Err("the checkpoint was written on a big-endian machine".to_owned());
    }
    let pickle = directory
        .find(&root, "data.pkl")
        .ok_or("the archive holds no data.pkl")?;
    let pickle = content(&mut source, pickle, PICKLE_LIMIT)?;
    let mut machine = Machine::new(allowance(&source));
    let value = machine.run(&mut pickle.as_slice())?;
    let stored = describe(&machine, &value, paths, |storage| {
        let entry = directory.find(&root, &format!("data/{}", storage.key));
        let entry = entry.ok_or_else(|| format!("storage {} is missing", storage.key))?;
        place(&mut source, entry)
    })?;
    Ok(Tensors::of_file(source, stored.into_iter()))
}

/// Reads a small entry as a whole.
fn content(source: &mut Source, entry: &Entry, limit: u64) -> Result<Vec<u8>, String> {
    let Storage {
        start,
        length,
        checksum,
    } = place(source, entry)?;
    if length > limit {
        return Err("the archive holds an absurdly large description".to_owned());
    }
    let content = source.read(start, length)?;
    if checksum != Some(crc32fast::hash(&content)) {
        return Err(DAMAGED.to_owned());
    }
    Ok(content)
}

/// Finds an entry's content: behind its local header, which has a length of its own.
fn place(source: &mut Source, entry: &Entry) -> Result<Storage, String> {
    let header = source.read(entry.offset, LOCAL_LENGTH)?;
    if !header.starts_with(&LOCAL) {
        return Err("the archive's entries are not where it says".to_owned());
    }
    let field = |at: usize| match header.get(at..at + 2) {
        Some([low, high]) => u64::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    };
    let start = entry.offset + LOCAL_LENGTH + field(26) + field(28);
    if start
        .checked_add(entry.length)
        .is_none_or(|end| end > entry.end)
    {
        return Err("the archive's entries overlap".to_owned());
    }
    Ok(Storage {
        start,
        length: entry.length,
        checksum: Some(entry.checksum),
    })
}
