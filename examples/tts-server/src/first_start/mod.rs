//! What a first start makes, so that it needs no file and no flag.

mod folder;
mod greeting;
mod keys;

pub use self::{folder::DataFolder, keys::new_key};
pub(crate) use self::{
    folder::write_private,
    greeting::{Authority, Greeting, quoted},
    keys::{Keys, NewKey, SCOPE},
};
