//! The instructions.

use super::{
    Fault, Object,
    run::{EMPTY, Run},
};

impl Run<'_, '_> {
    pub(super) fn execute(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            b'.' => self.stop(),
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.array::<8>()?),
            b'N' => self.push(Object::None)?,
            0x88 | 0x89 => self.push(Object::Bool)?,
            b'(' => self.push(Object::Mark)?,
            b'0' => drop(self.pop()?),
            b'K' | b'M' | b'J' | 0x8a | b'G' => return self.number(code),
            b'X' | 0x8c | b'U' | b'T' | b'C' | b'B' => return self.string(code),
            b')' | 0x85..=0x87 | b't' | b'}' | b']' => return self.container(code),
            b'a' | b'e' | b's' | b'u' => return self.fill(code),
            b'q' | b'r' | 0x94 | b'h' | b'j' => return self.memory(code),
            b'c' | 0x93 | b'Q' | b'R' | 0x81 | b'b' => return self.object(code),
            _ => return Err("the pickle uses an instruction no checkpoint needs"),
        }
        Ok(())
    }

    fn number(&mut self, code: u8) -> Result<(), Fault> {
        let object = match code {
            b'K' => Object::Int(self.input.byte()?.into()),
            b'M' => Object::Int(u16::from_le_bytes(self.input.array()?).into()),
            b'J' => Object::Int(i32::from_le_bytes(self.input.array()?).into()),
            b'G' => {
                self.input.array::<8>()?;
                Object::Float
            }
            _ => self.long()?,
        };
        self.push(object)
    }

    /// An integer of any length, with its sign in the last byte.
    fn long(&mut self) -> Result<Object, Fault> {
        let length = self.input.byte()?;
        let bytes = self.input.take(length.into())?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut value = [if negative { 0xff } else { 0 }; 8];
        Ok(match value.get_mut(..bytes.len()) {
            Some(head) => {
                head.copy_from_slice(&bytes);
                Object::Int(i64::from_le_bytes(value))
            }
            None => Object::Opaque,
        })
    }

    /// Texts are kept; bytes, which checkpoints have only in the state of random generators, are not.
    fn string(&mut self, code: u8) -> Result<(), Fault> {
        let length = match code {
            b'X' | b'T' | b'B' => u32::from_le_bytes(self.input.array()?),
            _ => self.input.byte()?.into(),
        };
        if let b'X' | 0x8c = code {
            let text = self.input.text(length.into())?;
            return self.push_text(text);
        }
        self.input.take(length.into())?;
        self.push(Object::Opaque)
    }

    fn container(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            b'}' => {
                let dict = self.new_dict()?;
                self.push(dict)
            }
            b']' => {
                let list = self.new_list()?;
                self.push(list)
            }
            b't' => {
                let items = self.above_mark()?;
                self.push_tuple(items)
            }
            _ => {
                let count = if code == b')' {
                    0
                } else {
                    usize::from(code - 0x84)
                };
                let from = self.stack.len().checked_sub(count).ok_or(EMPTY)?;
                let items = self.stack.split_off(from);
                self.push_tuple(items)
            }
        }
    }

    fn fill(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])
            }
            b'e' => {
                let items = self.above_mark()?;
                self.extend_list(items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(vec![key, value])
            }
            _ => {
                let items = self.above_mark()?;
                self.extend_dict(items)
            }
        }
    }

    fn memory(&mut self, code: u8) -> Result<(), Fault> {
        if code == 0x94 {
            return self.remember_next();
        }
        let index = match code {
            b'q' | b'h' => self.input.byte()?.into(),
            _ => u32::from_le_bytes(self.input.array()?) as usize,
        };
        match code {
            b'q' | b'r' => self.remember(index),
            _ => self.recall(index),
        }
    }

    fn object(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.push_class(format!("{module}.{name}"))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Object::Text(module), Object::Text(name)) = (module, name) else {
                    return Err("the pickle names a class by something that is not text");
                };
                self.push_class(format!("{module}.{name}"))
            }
            b'Q' => {
                let name = self.pop()?;
                let storage = self.storage(&name)?;
                self.push(storage)
            }
            // The state of an object: for a dictionary of tensors only its metadata.
            b'b' => self.pop().map(drop),
            _ => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                let built = self.build(&class, &arguments)?;
                self.push(built)
            }
        }
    }
}
