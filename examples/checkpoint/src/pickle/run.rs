//! One run: the stack, the memory, and the containers.

use super::{Fault, Machine, Object, input::Input};

pub(super) const EMPTY: Fault = "the pickle takes more from its stack than it put there";

/// What one object takes in a growing vector, which may be half empty.
const OBJECT: usize = 2 * size_of::<Object>();

/// What a container takes besides its objects.
const CONTAINER: usize = 64;

/// One run of the machine.
pub(super) struct Run<'m, 'a> {
    pub(super) machine: &'m mut Machine,
    pub(super) input: Input<'a>,
    pub(super) stack: Vec<Object>,
    memo: Vec<Object>,
    running: bool,
}

impl<'m, 'a> Run<'m, 'a> {
    pub(super) const fn new(machine: &'m mut Machine, input: Input<'a>) -> Self {
        Self {
            machine,
            input,
            stack: Vec::new(),
            memo: Vec::new(),
            running: true,
        }
    }

    /// Runs up to the instruction that stops. Every instruction takes a byte of the input, which is limited.
    pub(super) fn finish(mut self) -> Result<Object, Fault> {
        while self.running {
            let code = self.input.byte()?;
            self.execute(code)?;
        }
        self.pop()
    }

    pub(super) const fn stop(&mut self) {
        self.running = false;
    }

    pub(super) fn pop(&mut self) -> Result<Object, Fault> {
        self.stack.pop().ok_or(EMPTY)
    }

    pub(super) fn push(&mut self, object: Object) -> Result<(), Fault> {
        // Only the height of the stack is memory: what was popped is free again.
        if self.stack.len() == self.stack.capacity() {
            self.machine.spend(OBJECT * self.stack.len().max(4))?;
        }
        self.stack.push(object);
        Ok(())
    }

    pub(super) fn push_text(&mut self, text: String) -> Result<(), Fault> {
        self.machine.spend(text.len() + CONTAINER / 2)?;
        self.push(Object::Text(text.into()))
    }

    pub(super) fn push_class(&mut self, name: String) -> Result<(), Fault> {
        self.machine.spend(name.len() + CONTAINER / 2)?;
        self.push(Object::Class(name.into()))
    }

    /// Takes everything above the last mark.
    pub(super) fn above_mark(&mut self) -> Result<Vec<Object>, Fault> {
        let is_mark = |object: &Object| matches!(object, Object::Mark);
        let mark = self.stack.iter().rposition(is_mark).ok_or(EMPTY)?;
        let above = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(above)
    }

    pub(super) fn push_tuple(&mut self, items: Vec<Object>) -> Result<(), Fault> {
        let index = self.machine.tuples.len();
        self.machine.spend(CONTAINER + OBJECT * items.len())?;
        self.machine.tuples.push(items.into());
        self.push(Object::Tuple(index))
    }

    pub(super) fn new_dict(&mut self) -> Result<Object, Fault> {
        self.machine.spend(CONTAINER)?;
        self.machine.dicts.push(Vec::new());
        Ok(Object::Dict(self.machine.dicts.len() - 1))
    }

    pub(super) fn new_list(&mut self) -> Result<Object, Fault> {
        self.machine.spend(CONTAINER)?;
        self.machine.lists.push(Vec::new());
        Ok(Object::List(self.machine.lists.len() - 1))
    }

    /// Remembers the top of the stack. Places are given out in order, from zero or one.
    pub(super) fn remember(&mut self, index: usize) -> Result<(), Fault> {
        let top = self.stack.last().ok_or(EMPTY)?.clone();
        if index > self.memo.len() + 1 {
            return Err("the pickle remembers out of order");
        }
        while self.memo.len() <= index {
            self.machine.spend(OBJECT)?;
            self.memo.push(Object::None);
        }
        if let Some(place) = self.memo.get_mut(index) {
            *place = top;
        }
        Ok(())
    }

    pub(super) fn remember_next(&mut self) -> Result<(), Fault> {
        self.remember(self.memo.len())
    }

    pub(super) fn recall(&mut self, index: usize) -> Result<(), Fault> {
        let object = self.memo.get(index).cloned();
        self.push(object.ok_or("the pickle recalls what it never remembered")?)
    }

    pub(super) fn extend_list(&mut self, items: Vec<Object>) -> Result<(), Fault> {
        self.machine.spend(OBJECT * items.len())?;
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

    pub(super) fn extend_dict(&mut self, items: Vec<Object>) -> Result<(), Fault> {
        self.machine.spend(OBJECT * items.len())?;
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
}
