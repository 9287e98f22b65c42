//! The collections of one request: which texts each target names.
//!
//! Values are added in the order of the phases: the head, the body, then the response. A
//! collection that was not read yet is empty, as in ModSecurity, so a rule of phase 1 sees no
//! parameter of the body.
//!
//! A name and a value are two texts. `ARGS` and `ARGS_GET` share them, and `ARGS_NAMES` has the
//! name as its value, so nothing is stored or transformed twice.

mod body;
mod head;
mod response;

use std::borrow::Cow;

use super::texts::{TextId, Texts};
use crate::body::Text;
use crate::variables::Collection;

/// For how many collections there is a place from the start.
const COLLECTIONS: usize = 64;

/// A value with its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    /// The name; empty where a collection has only one value.
    ///
    /// Names are decoded in the same way as values.
    pub(crate) key: TextId,
    /// The value before transformations.
    pub(crate) text: TextId,
    /// Whether it is what a person wrote.
    ///
    /// It is true also for the whole body if one of its parameters is.
    pub(crate) is_words: bool,
}

/// The values of one collection.
#[derive(Debug, Default)]
struct Entry {
    /// Most have one.
    values: Few,
    /// To which count of changes the last one belongs.
    version: u32,
}

/// No value, one, or more; only the last need memory of their own.
#[derive(Debug, Default)]
enum Few {
    #[default]
    None,
    One(Value),
    Many(Vec<Value>),
}

impl Few {
    /// All of them.
    fn as_slice(&self) -> &[Value] {
        match self {
            Self::None => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// Adds one.
    fn push(&mut self, value: Value) {
        match self {
            Self::None => *self = Self::One(value),
            Self::One(first) => *self = Self::Many(vec![*first, value]),
            Self::Many(values) => values.push(value),
        }
    }
}

/// All values of one request.
#[derive(Debug, Default)]
pub(crate) struct Values<'r> {
    /// The bytes behind all numbers.
    pub(crate) texts: Texts<'r>,
    /// By the number of the collection. It is only as long as needed.
    collections: Vec<Entry>,
    /// It counts the changes.
    version: u32,
    /// The name of what has none.
    no_name: Option<TextId>,
}

impl<'r> Values<'r> {
    /// The values of a collection.
    ///
    /// Empty if nothing was added.
    pub(crate) fn of(&self, collection: Collection) -> &[Value] {
        self.collections
            .get(collection as usize)
            .map_or(&[], |entry| entry.values.as_slice())
    }

    /// A number that changes with each change of a collection that is read from the request.
    pub(crate) const fn version(&self) -> u32 {
        self.version
    }

    /// A number that changes with each change of this collection.
    pub(crate) fn version_of(&self, collection: Collection) -> u32 {
        self.collections
            .get(collection as usize)
            .map_or(0, |entry| entry.version)
    }

    /// Adds a value with a name.
    fn add(&mut self, collection: Collection, value: Value) {
        self.change(collection, |values| values.push(value));
    }

    /// Changes a collection, and counts it.
    fn change(&mut self, collection: Collection, change: impl FnOnce(&mut Few)) {
        let index = collection as usize;
        if self.collections.len() <= index {
            self.collections.reserve(COLLECTIONS);
            self.collections.resize_with(index + 1, Entry::default);
        }
        if !collection.is_made() {
            self.version = self.version.wrapping_add(1);
        }
        if let Some(entry) = self.collections.get_mut(index) {
            change(&mut entry.values);
            entry.version = self.version;
        }
    }

    /// Sets the only value of a collection.
    ///
    /// A value from before is replaced.
    pub(crate) fn set(&mut self, collection: Collection, bytes: Text<'r>) {
        self.clear(collection);
        let key = self.no_name();
        let text = self.texts.add(bytes);
        self.add(
            collection,
            Value {
                key,
                text,
                is_words: false,
            },
        );
    }

    /// The empty name.
    pub(crate) fn no_name(&mut self) -> TextId {
        let texts = &mut self.texts;
        *self
            .no_name
            .get_or_insert_with(|| texts.add(Cow::Borrowed(b"")))
    }

    /// Adds a name and a value to a collection and to that of the names.
    ///
    /// The value goes to each of `values`, the name to each of `names`.
    fn add_named(
        &mut self,
        values: &[Collection],
        names: &[Collection],
        pair: (Text<'r>, Text<'r>),
        is_words: bool,
    ) {
        let key = self.texts.add(pair.0);
        let text = self.texts.add(pair.1);
        for &collection in values {
            self.add(
                collection,
                Value {
                    key,
                    text,
                    is_words,
                },
            );
        }
        for &collection in names {
            self.add(
                collection,
                Value {
                    key,
                    text: key,
                    is_words: false,
                },
            );
        }
    }

    /// Empties a collection.
    fn clear(&mut self, collection: Collection) {
        self.change(collection, |values| *values = Few::None);
    }
}

/// A number as text.
fn number<'r>(number: usize) -> Text<'r> {
    Cow::Owned(number.to_string().into_bytes())
}
