//! Text that may reach a model: cleaned or refused, and the layer for query, form and JSON.

mod builder;
mod class;
mod error;
mod filter;
mod length;
mod neighbours;
mod refused;
mod report;
mod rule;
mod sanitizer;
mod tables;
mod whitespace;

pub use builder::SanitizerBuilder;
pub use class::{Action, Class};
pub use error::BuildError;
pub use refused::{Refused, Unit};
pub use report::Report;
pub use rule::Rule;
pub use sanitizer::{Clean, Normalization, OverLength, Sanitizer};
pub use whitespace::Whitespace;
