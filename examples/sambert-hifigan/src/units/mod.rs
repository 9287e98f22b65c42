//! The units a model is fed with: phones, tones, word positions, emotions and speakers.

mod symbols;
mod tables;
mod unit;
mod words;

#[cfg(test)]
pub(crate) use self::words::{Phone, push_word};
pub(crate) use self::{
    tables::{Ids, Tables, TextIds, built_in},
    unit::Unit,
    words::{is_spoken, units_of},
};
