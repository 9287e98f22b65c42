//! The names that rules give to values: collections, transaction variables, and texts that refer to
//! both.

mod macro_text;
mod names;

pub(crate) use self::{
    macro_text::{MacroText, Piece},
    names::{Collection, TxNames},
};
