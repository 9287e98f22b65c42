//! What the first start makes: a private folder, a key, the key of the audit trail.
//!
//! Order of a first start: open the folder, create the files of keys and audit trail, bind the sockets,
//! build the stack, and only then mint the key. So a start that fails never shows a key.
//!
//! Later starts find the files and make nothing. A start with a configuration file makes nothing
//! either: its keys are made with `palisade key new`.

mod data_folder;
mod greeting;
mod keys;

pub use self::data_folder::DataFolder;
pub(crate) use self::{
    greeting::{Authority, Greeting},
    keys::{create_audit_key, create_key_files, mint_key},
};
