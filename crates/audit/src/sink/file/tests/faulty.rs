//! A store in memory that fails on demand, and remembers what a power cut would leave.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use crate::chain::{Line, Seal};

use super::super::{
    checked_part::{Checked, check_end, check_start},
    storage::{Condition, Part, RenamedTo, Store},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Faulty(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Older parts, in the chain.
    pub(super) parts: Vec<Vec<u8>>,
    /// What was set aside, with the reason.
    pub(super) aside: Vec<(&'static str, Vec<u8>)>,
    pub(super) file: Vec<u8>,
    /// As long as the writer believes the file to be.
    length: u64,
    /// Bytes until the disk is full.
    pub(super) space: Option<usize>,
    pub(super) no_sync: bool,
    pub(super) no_truncate: bool,
    pub(super) no_renew: bool,
    pub(super) foreign: bool,
    /// The file has lost its name.
    pub(super) unnamed: bool,
    pub(super) hangs: bool,
    /// A sync hangs now.
    pub(super) hanging: bool,
    pub(super) syncs: usize,
    pub(super) free: Option<u64>,
    /// The next append panics.
    pub(super) panics: bool,
    /// The last record of each older part cannot be read.
    pub(super) unreadable: bool,
    /// How often the last record of a part was read.
    pub(super) reads: usize,
    /// Called when the store is dropped.
    #[cfg(feature = "zstd")]
    pub(super) probe: Option<super::compression::Probe>,
    pub(super) modified: Duration,
}

impl Faulty {
    pub(super) fn set(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap()
    }

    /// Lets a sync that hangs go on.
    pub(super) fn release(&self) {
        self.set().hangs = false;
        self.0.1.notify_all();
    }

    /// Returns the whole trail.
    pub(super) fn trail(&self) -> Vec<u8> {
        let inner = self.set();
        let mut all = inner.parts.concat();
        all.extend_from_slice(&inner.file);
        all
    }
}

impl Store for Faulty {
    fn length(&self) -> u64 {
        self.set().length
    }

    fn condition(&self) -> Condition {
        let inner = self.set();
        match (inner.foreign, inner.unnamed) {
            (true, _) => Condition::Changed,
            (_, true) => Condition::Unnamed,
            _ => Condition::Good,
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let panics = self.set().panics;
        assert!(!panics, "the store panics, as it was told to");
        let mut inner = self.set();
        let space = inner.space.unwrap_or(usize::MAX);
        let fits = bytes.len().min(space);
        inner.file.extend_from_slice(&bytes[..fits]);
        if let Some(space) = &mut inner.space {
            *space -= fits;
        }
        if fits < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        inner.length += u64::try_from(bytes.len()).unwrap();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.set();
        inner.hanging = inner.hangs;
        let mut inner = self.0.1.wait_while(inner, |inner| inner.hangs).unwrap();
        inner.hanging = false;
        inner.syncs += 1;
        match inner.no_sync {
            true => Err(io::Error::other("input/output error")),
            false => Ok(()),
        }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut inner = self.set();
        if inner.no_truncate {
            return Err(io::Error::other("input/output error"));
        }
        inner.file.truncate(usize::try_from(length).unwrap());
        inner.length = length;
        Ok(())
    }

    fn renew(&mut self, place: RenamedTo, first: u64) -> io::Result<Option<String>> {
        let mut inner = self.set();
        if inner.no_renew {
            return Err(io::Error::other("permission denied"));
        }
        let old = std::mem::take(&mut inner.file);
        match place {
            RenamedTo::Part => inner.parts.push(old),
            RenamedTo::Aside(why) => inner.aside.push((why, old)),
        }
        inner.length = 0;
        inner.foreign = false;
        inner.unnamed = false;
        Ok(Some(format!("part.{first}")))
    }

    fn restore(&mut self, _: u64, length: u64) -> io::Result<()> {
        let mut inner = self.set();
        if inner.space == Some(0) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let length = usize::try_from(length).unwrap();
        let part = inner.file[..length].to_vec();
        inner.parts.push(part);
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        self.set().free
    }

    fn parts(&self) -> io::Result<Vec<Part>> {
        let inner = self.set();
        let parts = inner.parts.iter().enumerate();
        let parts = parts.map(|(index, part)| Part {
            path: index.to_string().into(),
            first: Line::parse(part.split(|byte| *byte == b'\n').next().unwrap())
                .unwrap()
                .sequence,
            bytes: part.len().try_into().unwrap(),
            modified: inner.modified,
        });
        Ok(parts.collect())
    }

    fn check_end(&self, part: &Part, seal: &Seal) -> io::Result<Checked> {
        let mut inner = self.set();
        inner.reads += 1;
        if inner.unreadable {
            return Err(io::Error::other("input/output error"));
        }
        let index: usize = part.path.to_str().unwrap().parse().unwrap();
        check_end(seal, &mut &*inner.parts[index])
    }

    fn check_start(&self, next: Option<&Part>, seal: &Seal) -> io::Result<Checked> {
        let inner = self.set();
        let index = next.map(|next| next.path.to_str().unwrap().parse::<usize>().unwrap());
        let file = index.map_or(&inner.file, |index| &inner.parts[index]);
        check_start(seal, &mut &**file)
    }

    fn delete(&mut self, part: &Part) -> io::Result<()> {
        let mut inner = self.set();
        let first = |bytes: &Vec<u8>| {
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap();
            Line::parse(line).unwrap().sequence
        };
        inner.parts.retain(|it| first(it) != part.first);
        Ok(())
    }
}
