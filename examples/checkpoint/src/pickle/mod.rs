//! Reads the pickles PyTorch writes, as data.
//!
//! A pickle is a program for a stack machine that may call anything by name. This machine knows the few
//! instructions checkpoints use and calls nothing: the names of PyTorch's tensor builders are recognized and
//! become descriptions, every other name becomes an object without content. What a program keeps is counted
//! against an allowance, and nothing it builds is nested: containers are numbered and hold numbers, so that
//! neither following nor dropping them recurses.

mod build;
mod execute;
mod input;
mod run;

use std::{io::Read, rc::Rc};

use self::{input::Input, run::Run};

/// A value in a pickle. Containers live in the [`Machine`], since a pickle may share them and nest them deeply.
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
    Storage(usize),
    Tensor(Rc<View>),
    Text(Rc<str>),
    Tuple(usize),
}

/// A storage named by a pickle.
#[derive(Clone, Debug)]
pub(crate) struct StorageName {
    /// The storage's class, such as `FloatStorage`.
    pub(crate) class: Rc<str>,
    pub(crate) key: Rc<str>,
}

/// A view into a storage.
#[derive(Debug)]
pub(crate) struct View {
    /// The storage's place in [`Machine::storages`].
    pub(crate) storage: usize,
    pub(crate) offset: usize,
    pub(crate) shape: Box<[usize]>,
    pub(crate) strides: Box<[usize]>,
}

/// The stack machine, and after a run the containers it made.
#[derive(Debug)]
pub(crate) struct Machine {
    dicts: Vec<Vec<(Object, Object)>>,
    lists: Vec<Vec<Object>>,
    tuples: Vec<Box<[Object]>>,
    storages: Vec<StorageName>,
    /// Bytes of memory that may still be used.
    allowance: usize,
}

/// What a damaged or foreign pickle ends in.
pub(crate) type Fault = &'static str;

impl Machine {
    /// Makes a machine that may use about so many bytes of memory in all its runs.
    pub(crate) const fn new(allowance: usize) -> Self {
        Self {
            dicts: Vec::new(),
            lists: Vec::new(),
            tuples: Vec::new(),
            storages: Vec::new(),
            allowance,
        }
    }

    /// Runs one pickle, of which the reader then has read nothing more, and returns its value.
    pub(crate) fn run(&mut self, pickle: &mut dyn Read) -> Result<Object, Fault> {
        Run::new(self, Input::new(pickle)).finish()
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

    /// Returns all storages that were named, in the order of their first mention.
    pub(crate) fn storages(&self) -> &[StorageName] {
        &self.storages
    }

    /// Follows text keys through nested dictionaries.
    pub(crate) fn value_at<'a>(&'a self, root: &'a Object, path: &[&str]) -> Option<&'a Object> {
        path.iter().try_fold(root, |object, key| {
            let found = |(name, _): &&(Object, Object)| matches!(name, Object::Text(text) if &**text == *key);
            self.entries(object)?.iter().find(found).map(|(_, value)| value)
        })
    }

    /// Counts memory that is about to be used.
    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        let left = self.allowance.checked_sub(bytes);
        self.allowance =
            left.ok_or("the pickle wants more memory than a checkpoint of this size needs")?;
        Ok(())
    }
}
