//! The sanitizer, free of HTTP: a text goes in, and a clean text or the reason of a refusal comes
//! out.
//!
//! A sanitizer runs these steps in order, and repeats them until a round changes nothing: the
//! filter of characters, normalization, rules, white space, length. The request layer calls it once
//! for each field.
//!
//! Before each round, `scan` collects the traits of all characters. A step that none of them calls for
//! is left out, which is most of them for most texts.

mod builder;
mod filter;
mod compared;
mod folded;
mod file_name;
mod identifier;
mod explain;
mod length;
mod normalize;
mod numbers;
mod preset;
mod refused;
mod repertoire;
mod report;
mod reported_data;
mod rule;
#[cfg(feature = "metrics")]
mod rule_names;
mod sanitizer;
mod scan;
mod clean_text;
mod source_map;
mod template_tokens;
mod whitespace;

pub use self::{
    builder::SanitizerBuilder,
    clean_text::CleanText,
    explain::CodePoint,
    identifier::skeleton,
    normalize::Normalization,
    preset::{Preset, UnknownPreset},
    refused::{LengthUnit, Refused},
    report::Report,
    reported_data::ReportedData,
    rule::{BannedWords, TextRule},
    sanitizer::{OverLength, Sanitizer},
    template_tokens::{ModelFamily, TemplateTokens},
    whitespace::Whitespace,
};
pub(crate) use self::{
    filter::Filter,
    folded::Folded,
    numbers::{Number, each_number},
    rule::{Finder, Match},
    scan::traits_of,
    source_map::SourceMap,
    template_tokens::{LONGEST_TOKEN, may_begin_token},
};
