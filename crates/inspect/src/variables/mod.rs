//! The names that rules give to values: collections, transaction variables, and texts that refer to
//! both.
//!
//! Names are read when the rules are loaded and become enum values and numbers, so that no name
//! is compared while a request is inspected. Only names that a rule builds from the request
//! (`tx.%{matched_var_name}`) are looked up at run time.

mod kinds;
mod macro_text;
mod names;

pub(crate) use self::{
    macro_text::{MacroText, Piece},
    names::{Collection, TxNames},
};
