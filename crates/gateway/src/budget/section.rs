//! The keys of `[[budgets]]`, `[[prices]]`, `[[speech]]`, `[[transcriptions]]`, `[[model_rules]]` and `[metering]`, as they
//! are written.
//!
//! Values are checked in `policy.rs`. Keys that are not listed are errors.

use serde::Deserialize;
use toml::Spanned;

/// A number, or a decimal number as text: `1000000`, `"25.00"`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(super) enum Amount {
    Whole(i64),
    /// Binary fractions are no amounts of money; an error says so.
    Fraction(f64),
    Text(String),
}

/// `[[budgets]]`: what may be spent in one window.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetSection {
    /// Its name in responses, metrics and the store. Lower-case letters, digits and hyphens.
    pub(super) name: Spanned<String>,
    /// `requests`, `tokens`, `tokens_in`, `tokens_out`, `characters`, `audio_seconds` or `money`.
    pub(super) unit: Spanned<String>,
    /// Units in one window: a whole number. Money as text: `"25.00"`.
    pub(super) amount: Spanned<Amount>,
    /// `minute`, `hour`, `day` or `month`.
    pub(super) window: Spanned<String>,
    /// The time zone of days and months. Default: `UTC`.
    pub(super) time_zone: Option<Spanned<String>>,
    /// `principal` (one of a key), `owner`, `model`, `upstream` or `everyone`. Default: `principal`.
    pub(super) by: Option<Spanned<String>>,
    /// The models that it counts; `*` stands for any text. Default: all.
    #[serde(default)]
    pub(super) models: Vec<Spanned<String>>,
}

/// `[[prices]]`: what a million tokens cost. The first entry that names a model counts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceSection {
    /// The models; `*` stands for any text.
    pub(super) models: Vec<Spanned<String>>,
    /// A million tokens in, as text: `"2.50"`.
    pub(super) input: Spanned<Amount>,
    /// A million tokens out.
    pub(super) output: Spanned<Amount>,
    /// A million tokens in that are written into a cache of the upstream. Default: twice `input`.
    pub(super) cache_write: Option<Spanned<Amount>>,
}

/// `[[speech]]`: a path that turns text into sound. Its characters and its sound are counted. The first entry that names
/// the path counts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct SpeechSection {
    /// The path; `*` stands for any text.
    pub(super) path: Spanned<String>,
    /// The name of the text in the query, the form or the JSON object. Default: `text`.
    pub(super) text: Option<Spanned<String>>,
    /// The most sound of one character, in milliseconds: 1 to 60000. Default: 1000.
    ///
    /// So much is reserved, until the sound that passed is known.
    pub(super) milliseconds_per_character: Option<Spanned<u64>>,
    /// The price of a million characters, as text: `"15.00"`. Default: none, and a budget of money refuses the path.
    pub(super) price: Option<Spanned<Amount>>,
}

/// `[[transcriptions]]`: a path whose requests send sound, which is written down. The length of the sound is counted. The
/// first entry that names the path counts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct TranscriptionSection {
    /// The path; `*` stands for any text.
    pub(super) path: Spanned<String>,
    /// The fewest bytes of a second of sound: 1 to 1000000. Default: 1000.
    ///
    /// By the bytes of the body, so much is reserved, until the response tells the length.
    pub(super) bytes_per_second: Option<Spanned<u64>>,
    /// The longest body, in KiB: 1 to 65536. Default: 25600.
    pub(super) max_body_kib: Option<Spanned<u64>>,
    /// The price of a minute, as text: `"0.006"`. Default: none, and a budget of money refuses the path.
    pub(super) price_per_minute: Option<Spanned<Amount>>,
}

/// `[[model_rules]]`: which models may be used, and how many tokens out. All entries that name the
/// request apply.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelRuleSection {
    /// Principals as the audit trail shows them, such as `api_key:anna`. Default: all.
    #[serde(default)]
    pub(super) principals: Vec<Spanned<String>>,
    /// Owners. Default: all.
    #[serde(default)]
    pub(super) owners: Vec<Spanned<String>>,
    /// The path prefix, as that of an upstream. Default: all paths.
    pub(super) path: Option<Spanned<String>>,
    /// The models that may be used. Default: all.
    #[serde(default)]
    pub(super) models: Vec<Spanned<String>>,
    /// The most tokens out of one request. Default: no limit.
    pub(super) max_tokens: Option<Spanned<u64>>,
}

/// `[metering]`: how tokens are counted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MeteringSection {
    /// The file of the counters, without `[redis]`. Default: `budgets.log` beside the configuration.
    pub(super) file: Option<Spanned<String>>,
    /// Tokens out of a request that names no limit, written into it. Default: 4096.
    pub(super) max_tokens: Option<Spanned<u64>>,
    /// Tokens in that the upstream adds to each request. Default: 1024.
    pub(super) overhead_tokens: Option<Spanned<u64>>,
    /// Tokens in for each thing that a request only names: a file, an image, an earlier response.
    /// Default: 131072.
    pub(super) reference_tokens: Option<Spanned<u64>>,
    /// The longest body that is read, in KiB. Default: 4096.
    pub(super) max_body_kib: Option<Spanned<u64>>,
    /// Paths that cost no tokens whatever their method; `*` stands for any text. Default: none.
    pub(super) free_paths: Vec<Spanned<String>>,
    /// The field of a chat request that limits tokens out. Default: `max_tokens`.
    pub(super) output_field: Option<Spanned<String>>,
    /// Whether streams are asked for their usage. Default: true.
    pub(super) ask_for_usage: Option<bool>,
}
