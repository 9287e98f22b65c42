//! The units a model is fed with: phones, tones, word positions, emotions and speakers.

mod symbols;
mod tables;
mod unit;

pub(crate) use self::{
    symbols::PHONES,
    tables::{Ids, Tables, TextIds, built_in},
    unit::Unit,
};
