//! The bytes of a program.

use std::io::Read;

use super::Fault;

/// Pickles above this size are refused: the largest real one, with optimizer state, is a twentieth of it.
const SIZE_LIMIT: u64 = 16 << 20;

/// The longest name of a module or a class.
const LINE_LIMIT: usize = 256;

const SHORT: Fault = "the pickle ends in the middle of an instruction";

/// Reads a program, but not a byte beyond it.
pub(super) struct Input<'a> {
    reader: &'a mut dyn Read,
    left: u64,
}

impl<'a> Input<'a> {
    pub(super) fn new(reader: &'a mut dyn Read) -> Self {
        Self {
            reader,
            left: SIZE_LIMIT,
        }
    }

    /// Takes bytes whose number the program says; memory is used only for those that are there.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        self.count(count)?;
        let mut bytes = Vec::new();
        let read = self.reader.take(count).read_to_end(&mut bytes);
        match read {
            Ok(read) if read as u64 == count => Ok(bytes),
            _ => Err(SHORT),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.count(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|_| SHORT)?;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn line(&mut self) -> Result<String, Fault> {
        let mut line = Vec::new();
        while line.len() < LINE_LIMIT {
            match self.byte()? {
                b'\n' => {
                    return String::from_utf8(line)
                        .map_err(|_| "a name in the pickle is not UTF-8");
                }
                byte => line.push(byte),
            }
        }
        Err("a name in the pickle is absurdly long")
    }

    pub(super) fn text(&mut self, length: u64) -> Result<String, Fault> {
        String::from_utf8(self.take(length)?).map_err(|_| "a text in the pickle is not UTF-8")
    }

    fn count(&mut self, bytes: u64) -> Result<(), Fault> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or("the pickle is absurdly large")?;
        Ok(())
    }
}
