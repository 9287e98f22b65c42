//! `[inspect]`: firewall rules.

#![cfg_attr(not(feature = "inspect"), allow(dead_code))] // read where inspection is compiled in

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// `[inspect]`: requests are compared with firewall rules. Without the section none is.
///
/// The section may be empty: the rules that are shipped are used then, and only record.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Inspect {
    /// The folder of the rules, with `crs-setup.conf` and `rules/`. Default: the rules that are
    /// shipped.
    ///
    /// The files are read again within a second after a change, all or none.
    pub(in crate::config) rules: Option<Spanned<PathBuf>>,
    /// The paranoia level, 1 to 4. Default: that of the setup, else 1. Needs `rules`.
    pub(in crate::config) paranoia: Option<Spanned<u8>>,
    /// Whether requests are only recorded that would be refused. Default: `true`.
    pub(in crate::config) shadow: Option<bool>,
    /// The anomaly score from which on a request is refused, at least 1. Default: that of the setup,
    /// else 5. Needs `rules`.
    pub(in crate::config) threshold: Option<Spanned<u32>>,
    /// The longest body that is inspected, in KiB. Default: 64. A longer one gets status 413, or
    /// passes and is recorded in shadow.
    pub(in crate::config) max_body_kib: Option<usize>,
    /// How many times the rules may read the longest body before the inspection ends and the request
    /// counts as refused. Default: 256.
    pub(in crate::config) max_readings: Option<Spanned<usize>>,
    /// Whether responses are inspected too. Default: `false`.
    pub(in crate::config) response: bool,
    /// How much of a response's body is inspected, in KiB. Default: 64. Needs `response`.
    pub(in crate::config) max_response_kib: Option<Spanned<usize>>,
    /// Whether `Accept-Encoding`, `Range` and `If-Range` of a request reach the handler although
    /// responses are inspected. Default: `false`. With it a client chooses whether rules see the
    /// body. Needs `response`.
    pub(in crate::config) dangerously_pass_accept_encoding_and_range: Option<Spanned<bool>>,
    /// A file with the key for codes of what matched. Default: the record has no codes.
    pub(in crate::config) matched_text_key: Option<Spanned<PathBuf>>,
    /// An environment variable with that key, in place of the file.
    pub(in crate::config) matched_text_key_env: Option<Spanned<String>>,
    /// Fields with text that a person wrote: JSON pointers, names of form fields, or `chat` for the
    /// fields of the common chat APIs. Default: none.
    ///
    /// Rules for code and protocol refuse nothing there and are recorded apart.
    pub(in crate::config) person_text: Vec<Spanned<String>>,
    /// Paths that are not inspected, with all below them. Default: none.
    pub(in crate::config) skip_paths: Vec<String>,
    /// Whether of gRPC only the heads are inspected. Default: `false`. Its bodies can be streams.
    pub(in crate::config) only_heads_of_grpc: bool,
    /// Directives in SecLang between the setup and the rules. Default: none.
    pub(in crate::config) directives: Option<String>,
    /// Whether the start succeeds although some rules do not load. Default: `false`.
    pub(in crate::config) dangerously_accept_rules_not_loaded: bool,
    /// `[[inspect.exclude]]`: exceptions. Default: none.
    pub(in crate::config) exclude: Vec<Spanned<Exclude>>,
}

/// `[[inspect.exclude]]`: rules that do not apply. Either `rules` or `tag` is required.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Exclude {
    /// The id of a rule, or a range of ids: `942100`, `"942100-942999"`.
    pub(in crate::config) rules: Option<Spanned<Ids>>,
    /// A tag, such as `attack-sqli`. The whole tag.
    pub(in crate::config) tag: Option<String>,
    /// How the path starts. Default: any path.
    pub(in crate::config) path: Option<String>,
    /// A target such as `ARGS:q`. Default: the rule does not apply at all.
    pub(in crate::config) field: Option<String>,
}

/// One id, or a range.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(in crate::config) enum Ids {
    /// `942100`
    One(u64),
    /// `"942100-942999"`
    Range(String),
}
