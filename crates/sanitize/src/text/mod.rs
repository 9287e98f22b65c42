//! The pure part: a text goes in, and a clean text or a reason comes out.

mod builder;
mod filter;
mod folded;
mod identifier;
mod length;
mod numbers;
mod preset;
mod refused;
mod report;
mod rule;
mod sanitizer;
mod template_tokens;
mod whitespace;

pub(crate) use self::numbers::Number;
pub use self::{
    builder::SanitizerBuilder,
    identifier::skeleton,
    refused::{Refused, Unit},
    report::Report,
    rule::TextRule,
    sanitizer::{Clean, Normalization, OverLength, Sanitizer},
    template_tokens::{ModelFamily, TemplateTokens},
    whitespace::Whitespace,
};
