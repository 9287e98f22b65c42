//! What verification reads from a record, beyond its bytes.

use std::borrow::Cow;

use serde::Deserialize;

/// The members that matter here; all others are covered by the hash and passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Content<'a> {
    pub(crate) v: u64,
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) trail: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) algorithm: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) follows: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) cause: Option<Cow<'a, str>>,
    pub(crate) bytes: u64,
    pub(crate) dropped: u64,
    pub(crate) turned_away: u64,
}

impl<'a> Content<'a> {
    /// Reads a line. `None` if it is not one JSON object with members of the right types.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}
