//! The instructions.

use std::{collections::HashMap, rc::Rc};

use super::{Description, Fault, Machine, Object, Storage};

/// Pickles above this size are refused: the largest real one, with optimizer state, is a twentieth of it.
const SIZE_LIMIT: usize = 16 << 20;

/// Instructions of one run; a checkpoint with its optimizer needs a tenth. An instruction makes at most one
/// value, so this bounds what a small file can allocate.
const STEP_LIMIT: usize = 1 << 20;

const SHORT: Fault = "the pickle ends in the middle of an instruction";
const EMPTY: Fault = "the pickle takes more from its stack than it put there";

/// One run of the machine.
pub(super) struct Run<'m, 'a> {
    machine: &'m mut Machine,
    bytes: &'a [u8],
    stack: Vec<Object>,
    memo: HashMap<u32, Object>,
    used: usize,
}

impl<'m, 'a> Run<'m, 'a> {
    pub(super) fn new(machine: &'m mut Machine, bytes: &'a [u8]) -> Self {
        Self {
            machine,
            bytes,
            stack: Vec::new(),
            memo: HashMap::new(),
            used: 0,
        }
    }

    /// Runs up to the instruction that stops.
    pub(super) fn finish(mut self) -> Result<(Object, &'a [u8]), Fault> {
        for _ in 0..STEP_LIMIT {
            let code = self.byte()?;
            if code == b'.' {
                let value = self.pop()?;
                return Ok((value, self.bytes));
            }
            self.execute(code)?;
        }
        Err("the pickle is absurdly long")
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(SHORT)?;
        self.used += count;
        if self.used > SIZE_LIMIT {
            return Err("the pickle is absurdly large");
        }
        self.bytes = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| SHORT)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let end = self.bytes.iter().position(|b| *b == b'\n').ok_or(SHORT)?;
        let line = self.take(end + 1)?;
        std::str::from_utf8(line)
            .map(str::trim_end)
            .map_err(|_| "a name in the pickle is not UTF-8")
    }

    fn text(&mut self, length: usize) -> Result<Object, Fault> {
        let text = std::str::from_utf8(self.take(length)?)
            .map_err(|_| "a text in the pickle is not UTF-8")?;
        Ok(Object::Text(text.into()))
    }

    fn pop(&mut self) -> Result<Object, Fault> {
        self.stack.pop().ok_or(EMPTY)
    }

    fn push(&mut self, object: Object) {
        self.stack.push(object);
    }

    /// Takes everything above the last mark.
    fn above_mark(&mut self) -> Result<Vec<Object>, Fault> {
        let mark = self
            .stack
            .iter()
            .rposition(|object| matches!(object, Object::Mark))
            .ok_or(EMPTY)?;
        let above = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(above)
    }

    fn tuple(&mut self, count: usize) -> Result<(), Fault> {
        let from = self.stack.len().checked_sub(count).ok_or(EMPTY)?;
        let items: Rc<[Object]> = self.stack.split_off(from).into();
        self.push(Object::Tuple(items));
        Ok(())
    }

    fn new_dict(&mut self) -> Object {
        self.machine.dicts.push(Vec::new());
        Object::Dict(self.machine.dicts.len() - 1)
    }

    fn new_list(&mut self) -> Object {
        self.machine.lists.push(Vec::new());
        Object::List(self.machine.lists.len() - 1)
    }

    fn execute(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            0x80 => drop(self.byte()?),
            0x95 => drop(self.array::<8>()?),
            b'N' => self.push(Object::None),
            0x88 | 0x89 => self.push(Object::Bool),
            b'K' => {
                let value = self.byte()?;
                self.push(Object::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Object::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Object::Int(value.into()));
            }
            0x8a => self.long()?,
            b'G' => {
                self.array::<8>()?;
                self.push(Object::Float);
            }
            b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                let text = self.text(length as usize)?;
                self.push(text);
            }
            0x8c => {
                let length = self.byte()?;
                let text = self.text(length.into())?;
                self.push(text);
            }
            b'U' | b'C' => {
                let length = self.byte()?;
                self.take(length.into())?;
                self.push(Object::Opaque);
            }
            b'T' | b'B' => {
                let length = u32::from_le_bytes(self.array()?);
                self.take(length as usize)?;
                self.push(Object::Opaque);
            }
            b'(' => self.push(Object::Mark),
            b')' => self.tuple(0)?,
            0x85..=0x87 => self.tuple(usize::from(code - 0x84))?,
            b't' => {
                let items: Rc<[Object]> = self.above_mark()?.into();
                self.push(Object::Tuple(items));
            }
            b'}' => {
                let dict = self.new_dict();
                self.push(dict);
            }
            b']' => {
                let list = self.new_list();
                self.push(list);
            }
            b'0' => drop(self.pop()?),
            _ => return self.execute_rare(code),
        }
        Ok(())
    }

    /// The instructions that name, build, fill and remember.
    fn execute_rare(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Class(format!("{module}.{name}").into()));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Object::Text(module), Object::Text(name)) = (module, name) else {
                    return Err("the pickle names a class by something that is not text");
                };
                self.push(Object::Class(format!("{module}.{name}").into()));
            }
            b'q' => {
                let index = self.byte()?;
                self.remember(index.into())?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.array()?);
                self.remember(index)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => {
                let index = self.byte()?;
                self.recall(index.into())?;
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                self.recall(index)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            b'e' => {
                let items = self.above_mark()?;
                self.extend_list(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(vec![key, value])?;
            }
            b'u' => {
                let items = self.above_mark()?;
                self.extend_dict(items)?;
            }
            b'Q' => {
                let name = self.pop()?;
                let storage = storage(&name)?;
                self.push(storage);
            }
            b'R' | 0x81 => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                let built = self.build(&class, &arguments)?;
                self.push(built);
            }
            // The state of an object: for a dictionary of tensors only its metadata.
            b'b' => drop(self.pop()?),
            _ => return Err("the pickle uses an instruction no checkpoint needs"),
        }
        Ok(())
    }

    fn long(&mut self) -> Result<(), Fault> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        let mut value = [0; 8];
        let object = match value.get_mut(..bytes.len()) {
            Some(head) => {
                head.copy_from_slice(bytes);
                Object::Int(i64::from_le_bytes(value))
            }
            None => Object::Opaque,
        };
        self.push(object);
        Ok(())
    }

    fn remember(&mut self, index: u32) -> Result<(), Fault> {
        let top = self.stack.last().ok_or(EMPTY)?.clone();
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<(), Fault> {
        let object = self
            .memo
            .get(&index)
            .ok_or("the pickle recalls what it never remembered")?
            .clone();
        self.push(object);
        Ok(())
    }

    fn extend_list(&mut self, items: Vec<Object>) -> Result<(), Fault> {
        match self.stack.last() {
            Some(Object::List(index)) => {
                let list = self.machine.lists.get_mut(*index).ok_or(EMPTY)?;
                list.extend(items);
                Ok(())
            }
            Some(Object::Opaque) => Ok(()),
            _ => Err("the pickle appends to what is no list"),
        }
    }

    fn extend_dict(&mut self, items: Vec<Object>) -> Result<(), Fault> {
        match self.stack.last() {
            Some(Object::Dict(index)) => {
                let dict = self.machine.dicts.get_mut(*index).ok_or(EMPTY)?;
                let mut items = items.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    dict.push((key, value));
                }
                Ok(())
            }
            Some(Object::Opaque) => Ok(()),
            _ => Err("the pickle sets an item of what is no dictionary"),
        }
    }

    fn build(&mut self, class: &Object, arguments: &Object) -> Result<Object, Fault> {
        let Object::Class(name) = class else {
            return Ok(Object::Opaque);
        };
        let Object::Tuple(arguments) = arguments else {
            return Err("the pickle calls with arguments that are no tuple");
        };
        match &**name {
            "collections.OrderedDict" => Ok(self.new_dict()),
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => tensor(arguments),
            "torch._utils._rebuild_parameter" => {
                Ok(arguments.first().cloned().unwrap_or(Object::Opaque))
            }
            _ => Ok(Object::Opaque),
        }
    }
}

/// Reads the name of a storage: `("storage", class, key, location, length)`.
fn storage(name: &Object) -> Result<Object, Fault> {
    if let Object::Tuple(parts) = name
        && let [_, Object::Class(class), Object::Text(key), ..] = &**parts
    {
        let class = class.rsplit('.').next().unwrap_or_default();
        return Ok(Object::Storage(Rc::new(Storage {
            class: class.into(),
            key: key.clone(),
        })));
    }
    Err("the pickle names a storage in an unknown way")
}

/// Reads a view: `(storage, offset, shape, strides, ..)`.
fn tensor(arguments: &[Object]) -> Result<Object, Fault> {
    if let [
        Object::Storage(storage),
        Object::Int(offset),
        Object::Tuple(shape),
        Object::Tuple(strides),
        ..,
    ] = arguments
        && let (Ok(offset), Some(shape), Some(strides)) =
            (usize::try_from(*offset), sizes(shape), sizes(strides))
        && shape.len() == strides.len()
    {
        let storage = storage.clone();
        return Ok(Object::Tensor(Rc::new(Description {
            storage,
            offset,
            shape,
            strides,
        })));
    }
    Err("the pickle describes a tensor in an unknown way")
}

fn sizes(objects: &[Object]) -> Option<Vec<usize>> {
    let size = |object: &Object| match object {
        Object::Int(value) => usize::try_from(*value).ok(),
        _ => None,
    };
    objects.iter().map(size).collect()
}
