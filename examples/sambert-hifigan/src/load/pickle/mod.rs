//! Reads the pickles PyTorch writes, as data.
//!
//! A pickle is a program for a stack machine that may call anything by name. This machine knows the few
//! instructions checkpoints use and calls nothing: the names of PyTorch's tensor builders are recognized and
//! become descriptions, every other name becomes an object without content.

mod run;

use std::rc::Rc;

use self::run::Run;

/// A value in a pickle. Lists and dictionaries live in the [`Machine`], since a pickle may share them.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Bool,
    Class(Rc<str>),
    Dict(usize),
    Float,
    Int(i64),
    List(usize),
    Mark,
    None,
    Opaque,
    Storage(Rc<Storage>),
    Tensor(Rc<Description>),
    Text(Rc<str>),
    Tuple(Rc<[Self]>),
}

/// A storage named by a pickle.
#[derive(Debug)]
pub(crate) struct Storage {
    /// The storage's class, such as `FloatStorage`.
    pub(crate) class: Rc<str>,
    pub(crate) key: Rc<str>,
}

/// A view into a storage.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) storage: Rc<Storage>,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// The stack machine, and after a run the lists and dictionaries it made.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    dicts: Vec<Vec<(Object, Object)>>,
    lists: Vec<Vec<Object>>,
}

/// What a damaged or foreign pickle ends in.
pub(crate) type Fault = &'static str;

impl Machine {
    /// Runs one pickle and returns its value with the bytes that follow it.
    pub(crate) fn run<'a>(&mut self, bytes: &'a [u8]) -> Result<(Object, &'a [u8]), Fault> {
        Run::new(self, bytes).finish()
    }

    /// Returns the entries of a dictionary.
    pub(crate) fn entries(&self, object: &Object) -> Option<&[(Object, Object)]> {
        match object {
            Object::Dict(index) => self.dicts.get(*index).map(Vec::as_slice),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub(crate) fn items(&self, object: &Object) -> Option<&[Object]> {
        match object {
            Object::List(index) => self.lists.get(*index).map(Vec::as_slice),
            _ => None,
        }
    }

    /// Follows text keys through nested dictionaries.
    pub(crate) fn walk<'a>(&'a self, root: &'a Object, path: &[&str]) -> Option<&'a Object> {
        path.iter().try_fold(root, |object, key| {
            let found = |(name, _): &&(Object, Object)| matches!(name, Object::Text(text) if &**text == *key);
            self.entries(object)?.iter().find(found).map(|(_, value)| value)
        })
    }
}
