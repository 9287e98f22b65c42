//! What the first start makes: a private folder, a key, the key of the audit trail.

mod data_folder;
mod greeting;
mod keys;

pub use self::data_folder::DataFolder;
pub(crate) use self::{
    greeting::{Authority, Greeting},
    keys::{create_audit_key, create_key_files, mint},
};
