//! `X-RateLimit-Limit`, `-Remaining` and `-Reset`: three numbers about the most restrictive limit.
//!
//! No standard defines these fields. Many clients read them, so they can be sent in addition to
//! draft 10.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{FieldItem, ResetFormat, text::decimal_value};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// The names of the fields.
pub(super) const NAMES: [HeaderName; 3] = [LIMIT, REMAINING, RESET];

/// Adds the fields, unless a layer further in added them: they can report one limit only.
pub(super) fn add_fields<'a>(
    headers: &mut HeaderMap,
    items: impl Iterator<Item = FieldItem<'a>>,
    reset: ResetFormat,
    unix_time: impl FnOnce() -> u64,
) {
    if headers.contains_key(LIMIT) {
        return;
    }
    for (name, value) in fields(items, reset, unix_time) {
        headers.insert(name, value);
    }
}

/// Returns the fields of the most restrictive limit: the one with the fewest units left, and of several the one
/// that takes longest until there is more.
pub(super) fn fields<'a>(
    items: impl Iterator<Item = FieldItem<'a>>,
    reset: ResetFormat,
    unix_time: impl FnOnce() -> u64,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let first = items.min_by_key(|item| (item.remaining(), std::cmp::Reverse(item.more_in())));
    let fields = first.map(|item| {
        let at = match reset {
            ResetFormat::Delta => item.more_in(),
            ResetFormat::Epoch => unix_time().saturating_add(item.more_in()),
        };
        [
            (LIMIT, decimal_value(item.limit.rate.amount().get().into())),
            (REMAINING, decimal_value(item.remaining().into())),
            (RESET, decimal_value(at)),
        ]
    });
    fields.into_iter().flatten()
}
