//! Tensors by name, read one at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    rc::Rc,
};

use candle_core::{Device, Tensor};
use crc32fast::Hasher;

use super::{DAMAGED, Element, Source};

/// Tensors by name. What a checkpoint holds is read from it when it is taken, at most once.
#[derive(Debug, Default)]
pub(crate) struct Tensors {
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

/// A view into a storage, not yet checked.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) element: Element,
    pub(super) storage: Rc<Storage>,
    /// In values, not bytes, as are the strides.
    pub(super) offset: usize,
    pub(super) shape: Box<[usize]>,
    pub(super) strides: Box<[usize]>,
}

/// A part of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) checksum: Option<u32>,
}

impl Tensors {
    pub(super) fn of_file(source: Source, stored: impl Iterator<Item = (String, Stored)>) -> Self {
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

    #[cfg(test)]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(crate) fn insert(&mut self, name: String, tensor: Tensor) {
        self.entries.insert(name, Entry::Made(tensor));
    }

    /// Gives every tensor another name, or leaves it out.
    pub(in crate::load) fn rename(mut self, name: impl Fn(&str) -> Option<String>) -> Self {
        let entries = std::mem::take(&mut self.entries).into_iter();
        self.entries = entries
            .filter_map(|(old, entry)| Some((name(&old)?, entry)))
            .collect();
        self
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(match self.entries.get(name)? {
            Entry::Made(tensor) => tensor.dims(),
            Entry::Stored(stored) => &stored.shape,
        })
    }

    pub(crate) fn element(&self, name: &str) -> Option<Element> {
        Some(match self.entries.get(name)? {
            Entry::Made(tensor) => Element::Float(tensor.dtype()),
            Entry::Stored(stored) => stored.element,
        })
    }

    /// Returns how many bytes of the file the tensors take; what was made in memory has no file.
    pub(crate) fn stored_bytes(&self) -> Option<u64> {
        let length = self.file.as_ref()?.source.length();
        let sizes = self.entries.values().filter_map(|entry| match entry {
            Entry::Made(_) => None,
            Entry::Stored(stored) => Some(stored.span().ok()?.len() as u64),
        });
        Some(sizes.fold(0, u64::saturating_add).min(length))
    }

    /// Reads a tensor and forgets it.
    pub(crate) fn take(&mut self, name: &str) -> Option<Result<Tensor, String>> {
        match self.entries.remove(name)? {
            Entry::Made(tensor) => Some(Ok(tensor)),
            Entry::Stored(stored) => Some(self.file.as_mut()?.tensor(&stored)),
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

impl Storage {
    /// Compares the checksum, where there is one, with that of what is fed to it.
    fn check(&self, feed: impl FnOnce(&mut Hasher) -> Result<(), String>) -> Result<(), String> {
        let Some(expected) = self.checksum else {
            return Ok(());
        };
        let mut sum = Hasher::new();
        feed(&mut sum)?;
        if sum.finalize() == expected {
            Ok(())
        } else {
            Err(DAMAGED.to_owned())
        }
    }
}

impl Stored {
    /// Returns the bytes of the storage from the first value to the last, after checking that they are all in it.
    fn span(&self) -> Result<Range<usize>, String> {
        let outside = || "reaches outside its storage".to_owned();
        let mut count = 1usize;
        let mut last = self.offset;
        for (size, stride) in self.shape.iter().zip(&self.strides) {
            count = count.checked_mul(*size).ok_or_else(outside)?;
            let step = size.saturating_sub(1).checked_mul(*stride);
            let reached = step.and_then(|step| last.checked_add(step));
            last = reached.ok_or_else(outside)?;
        }
        let width = self.element.width();
        let length = usize::try_from(self.storage.length).unwrap_or(0) / width;
        if count == 0 {
            return Ok(0..0);
        }
        // A stride of zero could repeat a small storage without end.
        if last >= length || count > last + 1 - self.offset {
            return Err(outside());
        }
        Ok(self.offset * width..(last + 1) * width)
    }

    /// Puts the values of a span in order.
    fn gather(&self, span: &[u8]) -> Result<Vec<u8>, String> {
        let width = self.element.width();
        let count: usize = self.shape.iter().product();
        let mut bytes = Vec::with_capacity(count * width);
        let mut position = vec![0; self.shape.len()];
        for _ in 0..count {
            let steps = position.iter().zip(&self.strides).map(|(p, s)| p * s);
            let index = steps.sum::<usize>();
            let value = span.get(index * width..(index + 1) * width);
            bytes.extend_from_slice(value.ok_or("reaches outside its storage")?);
            for (p, size) in position.iter_mut().zip(&self.shape).rev() {
                *p += 1;
                if *p < *size {
                    break;
                }
                *p = 0;
            }
        }
        Ok(bytes)
    }

    /// Tells whether the values lie in order and without holes.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape
            .iter()
            .zip(&self.strides)
            .rev()
            .all(|(size, stride)| {
                let fits = *size == 1 || *stride == expected;
                expected *= size;
                fits
            })
    }
}
