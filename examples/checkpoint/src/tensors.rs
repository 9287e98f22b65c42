//! Tensors by name, read one at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use candle_core::{Device, Tensor};

use crate::{
    element::Element,
    error::CheckpointError,
    source::Source,
    stored::{Storage, Stored},
};

/// Tensors by name. What a checkpoint holds is read from it when it is taken, at most once.
#[derive(Debug, Default)]
pub struct Tensors {
    entries: BTreeMap<String, Entry>,
    file: Option<File>,
}

/// The open file.
#[derive(Debug)]
struct File {
    source: Source,
    /// Bytes that may still be read: all tensors together are not larger than their file.
    left: u64,
    /// Storages of several views whose checksum was found right, by where they start.
    checked: BTreeSet<u64>,
}

/// What is known of a tensor before it is read.
#[derive(Debug)]
enum Entry {
    /// A tensor made in memory.
    Made(Tensor),
    Stored(Stored),
}

impl Tensors {
    pub(crate) fn of_file(source: Source, stored: impl Iterator<Item = (String, Stored)>) -> Self {
        let left = source.length();
        Self {
            entries: stored
                .map(|(name, one)| (name, Entry::Stored(one)))
                .collect(),
            file: Some(File {
                source,
                left,
                checked: BTreeSet::new(),
            }),
        }
    }

    /// Gives every tensor another name, or leaves it out.
    #[must_use]
    pub fn rename(mut self, name: impl Fn(&str) -> Option<String>) -> Self {
        let entries = std::mem::take(&mut self.entries).into_iter();
        self.entries = entries
            .filter_map(|(old, entry)| Some((name(&old)?, entry)))
            .collect();
        self
    }

    /// Returns the names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Returns the dimensions of a tensor, before it is read.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(match self.entries.get(name)? {
            Entry::Made(tensor) => tensor.dims(),
            Entry::Stored(stored) => &stored.shape,
        })
    }

    /// Returns what the values of a tensor are, before it is read.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<Element> {
        Some(match self.entries.get(name)? {
            Entry::Made(tensor) => Element::Float(tensor.dtype()),
            Entry::Stored(stored) => stored.element,
        })
    }

    /// Returns how many bytes of the file the tensors take; what was made in memory has no file.
    #[must_use]
    pub fn stored_bytes(&self) -> Option<u64> {
        let length = self.file.as_ref()?.source.length();
        let sizes = self.entries.values().filter_map(|entry| match entry {
            Entry::Made(_) => None,
            Entry::Stored(stored) => Some(stored.span().ok()?.len() as u64),
        });
        Some(sizes.fold(0, u64::saturating_add).min(length))
    }

    /// Reads a tensor and forgets it; nothing where there is none of that name.
    ///
    /// # Errors
    ///
    /// When its values are no floats, lie outside the file or are damaged, or when the tensors read so far are together larger than
    /// the file.
    pub fn take(&mut self, name: &str) -> Option<Result<Tensor, CheckpointError>> {
        match self.entries.remove(name)? {
            Entry::Made(tensor) => Some(Ok(tensor)),
            Entry::Stored(stored) => {
                let read = self.file.as_mut()?.tensor(&stored);
                Some(read.map_err(CheckpointError::from))
            }
        }
    }
}

impl FromIterator<(String, Tensor)> for Tensors {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        let made = |(name, tensor)| (name, Entry::Made(tensor));
        Self {
            entries: tensors.into_iter().map(made).collect(),
            file: None,
        }
    }
}

impl File {
    fn tensor(&mut self, stored: &Stored) -> Result<Tensor, String> {
        let Element::Float(kind) = stored.element else {
            return Err(format!("holds {}, not floats", stored.element));
        };
        let span = stored.span()?;
        let left = self.left.checked_sub(span.len() as u64);
        self.left = left.ok_or("the tensors together are larger than their file")?;
        let mut bytes = self.read(&stored.storage, span)?;
        if !stored.is_contiguous() {
            bytes = stored.gather(&bytes)?;
        }
        let made = Tensor::from_raw_buffer(&bytes, kind, &stored.shape, &Device::Cpu);
        made.map_err(|error| error.to_string())
    }

    /// Reads a part of a storage, of which all has to be intact.
    fn read(&mut self, storage: &Storage, part: Range<usize>) -> Result<Vec<u8>, String> {
        let whole = part.len() as u64 == storage.length;
        if !whole && !self.checked.contains(&storage.start) {
            storage.check(|sum| self.source.checksum(storage.start, storage.length, sum))?;
            self.checked.insert(storage.start);
        }
        let bytes = self
            .source
            .read(storage.start + part.start as u64, part.len() as u64)?;
        if whole {
            storage.check(|sum| {
                sum.update(&bytes);
                Ok(())
            })?;
        }
        Ok(bytes)
    }
}
