//! The sanitizer, free of HTTP: a text goes in, and a clean text or the reason of a refusal comes
//! out.
//!
//! A sanitizer runs these steps in order, and repeats them until a round changes nothing: the
//! filter of characters, normalization, rules, white space, length. The request layer calls it once
//! for each field.

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
pub(crate) use self::{
    folded::Folded,
    numbers::{Number, each_number},
    rule::{Finder, Match},
};
