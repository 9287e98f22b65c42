//! The list of entries at the end of an archive.

use std::collections::BTreeMap;

use crate::source::Source;

/// A list larger than this is refused: a checkpoint with its optimizer has a quarter of it.
const SIZE_LIMIT: u64 = 1 << 20;

/// How far from the end the list may be announced: the longest comment, and the announcement itself.
const TAIL: u64 = 65_535 + 22;

/// The entries by name.
#[derive(Debug)]
pub(super) struct Directory(BTreeMap<Box<str>, Entry>);

/// One entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u32,
    /// Where the next entry begins.
    pub(super) end: u64,
}

/// Reads numbers from the front of bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width)?.iter().rev();
        Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

impl Directory {
    /// Reads the list; names must be unique, and no entry may reach into the next.
    pub(super) fn read(source: &mut Source) -> Result<Self, String> {
        let (offset, size) =
            announced(source).ok_or("damaged archive: it has no list of entries")?;
        if size > SIZE_LIMIT {
            return Err("damaged archive: absurdly many entries".to_owned());
        }
        let bytes = source.read(offset, size)?;
        let mut fields = Fields(&bytes);
        let mut entries = BTreeMap::new();
        while !fields.0.is_empty() {
            let (name, entry) =
                entry(&mut fields).ok_or("damaged archive: its list of entries is broken")??;
            if entries.insert(name.clone(), entry).is_some() {
                return Err(format!("damaged archive: two entries are called {name:?}"));
            }
        }
        let mut directory = Self(entries);
        directory.separate(offset)?;
        Ok(directory)
    }

    /// Finds where every entry ends at the latest.
    fn separate(&mut self, end: u64) -> Result<(), String> {
        let mut entries: Vec<_> = self.0.values_mut().collect();
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.offset));
        let mut next = end;
        for entry in entries {
            entry.end = next;
            let reaches = entry.offset.checked_add(entry.length);
            if entry.offset >= next || reaches.is_none_or(|reaches| reaches > next) {
                return Err("damaged archive: its entries overlap".to_owned());
            }
            next = entry.offset;
        }
        Ok(())
    }

    /// Returns the folder that holds the pickle.
    pub(super) fn root(&self) -> Option<String> {
        let mut names = self.0.keys();
        names.find_map(|name| {
            Some(name.strip_suffix("data.pkl")?.to_owned()).filter(|root| root.ends_with('/'))
        })
    }

    pub(super) fn find(&self, root: &str, name: &str) -> Option<&Entry> {
        self.0.get(format!("{root}{name}").as_str())
    }
}

/// Returns the place and size of the list, as the end of the file announces them.
fn announced(source: &mut Source) -> Option<(u64, u64)> {
    let from = source.length().saturating_sub(TAIL);
    let tail = source.read(from, source.length() - from).ok()?;
    let fits = |at: &usize| match tail.get(at + 20..at + 22) {
        Some([low, high]) => {
            let comment = usize::from(u16::from_le_bytes([*low, *high]));
            at + 22 + comment == tail.len()
        }
        _ => false,
    };
    let candidates = tail.windows(4).enumerate().rev();
    let at = candidates
        .filter(|(_, window)| window == b"PK\x05\x06")
        .map(|(at, _)| at)
        .find(fits)?;
    let mut fields = Fields(tail.get(at + 12..)?);
    let (size, offset) = (fields.number(4)?, fields.number(4)?);
    if size != u64::from(u32::MAX) && offset != u64::from(u32::MAX) {
        return Some((offset, size));
    }
    // A large archive announces its list a second time, with wider numbers.
    let mut locator = Fields(
        tail.get(at.checked_sub(20)?..)?
            .strip_prefix(b"PK\x06\x07")?,
    );
    locator.take(4)?;
    let wide = source.read(locator.number(8)?, 56).ok()?;
    let mut fields = Fields(wide.strip_prefix(b"PK\x06\x06")?);
    fields.take(36)?;
    let (size, offset) = (fields.number(8)?, fields.number(8)?);
    Some((offset, size))
}

/// Reads one entry of the list.
fn entry(fields: &mut Fields<'_>) -> Option<Result<(Box<str>, Entry), String>> {
    fields.take(4).filter(|mark| mark == b"PK\x01\x02")?;
    fields.take(4)?;
    let (flags, method) = (fields.number(2)?, fields.number(2)?);
    fields.take(4)?;
    let checksum = fields.number(4)? as u32;
    let (packed, length) = (fields.number(4)?, fields.number(4)?);
    let [name, extra, comment] = [fields.number(2)?, fields.number(2)?, fields.number(2)?];
    fields.take(8)?;
    let offset = fields.number(4)?;
    let name = String::from_utf8_lossy(fields.take(name as usize)?).into_owned();
    let extra = fields.take(extra as usize)?;
    fields.take(comment as usize)?;
    let [length, packed, offset] = widened([length, packed, offset], extra)?;
    if flags & 1 != 0 || method != 0 || packed != length {
        let problem =
            format!("{name} is compressed or encrypted; save the checkpoint again without");
        return Some(Err(problem));
    }
    let entry = Entry {
        offset,
        length,
        checksum,
        end: 0,
    };
    Some(Ok((name.into(), entry)))
}

/// Replaces numbers that did not fit by those in the extra field for wide ones.
fn widened(mut numbers: [u64; 3], extra: &[u8]) -> Option<[u64; 3]> {
    let mut extra = Fields(extra);
    while !extra.0.is_empty() {
        let (kind, size) = (extra.number(2)?, extra.number(2)?);
        let mut content = Fields(extra.take(size as usize)?);
        if kind == 1 {
            let saturated = numbers
                .iter_mut()
                .filter(|number| **number == u64::from(u32::MAX));
            for number in saturated {
                *number = content.number(8)?;
            }
        }
    }
    Some(numbers)
}
