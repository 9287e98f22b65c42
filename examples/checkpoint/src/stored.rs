//! Where a tensor's values lie in a file.

use std::{ops::Range, rc::Rc};

use crc32fast::Hasher;

use crate::element::Element;

pub(crate) const DAMAGED: &str = "the checksum does not fit: the file is damaged";

/// A view into a storage, not yet checked.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) element: Element,
    pub(crate) storage: Rc<Storage>,
    /// In values, not bytes, as are the strides.
    pub(crate) offset: usize,
    pub(crate) shape: Box<[usize]>,
    pub(crate) strides: Box<[usize]>,
}

/// A part of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage {
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) checksum: Option<u32>,
}

impl Storage {
    /// Compares the checksum, where there is one, with that of what is fed to it.
    pub(crate) fn check(
        &self,
        feed: impl FnOnce(&mut Hasher) -> Result<(), String>,
    ) -> Result<(), String> {
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
    pub(crate) fn span(&self) -> Result<Range<usize>, String> {
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

    /// Copies the values of a strided span into one block, in order.
    pub(crate) fn gather(&self, span: &[u8]) -> Result<Vec<u8>, String> {
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
    pub(crate) fn is_contiguous(&self) -> bool {
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
