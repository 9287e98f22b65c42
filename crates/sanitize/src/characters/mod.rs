//! What single characters are, and what their neighbours make of them.

mod class;
mod digits;
mod neighbours;
mod tables;
mod variants;

pub use self::class::{Action, Class};
pub(crate) use self::{
    class::PerClass,
    digits::digit,
    neighbours::{Before, flag_tags},
    tables::{is_blank, suspect},
};
