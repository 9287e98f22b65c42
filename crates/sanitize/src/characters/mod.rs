//! Classes of characters, and which characters are needed because of their neighbors.
//!
//! The filter of the sanitizer uses it for each character. Nothing here fails: a character has a
//! class or none.

mod class;
mod digits;
mod neighbours;
mod tables;
mod traits;
mod variants;

pub use self::class::{Action, Class};
pub(crate) use self::{
    class::PerClass,
    digits::digit,
    neighbours::{Before, flag_tags},
    tables::{is_blank, is_mark, is_pictograph, is_skin_tone, suspect},
    traits::Traits,
};
