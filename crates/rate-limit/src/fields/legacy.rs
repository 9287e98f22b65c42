//! Three numbers about the most restrictive limit: `X-RateLimit-*`, which no standard defines, and `RateLimit-*` of
//! draft 6.
//!
//! Many clients read them, so they can be sent in addition to draft 10.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{FieldItem, ResetFormat, text::decimal_value};

/// The names of the fields, and what the third one holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct NumberFields {
    /// For the quota, what remains, and the time until there is more.
    pub(super) names: [HeaderName; 3],
    /// What the third field counts: seconds from now, or since the Unix epoch.
    pub(super) reset: ResetFormat,
}

impl NumberFields {
    /// Returns the fields that no standard defines.
    pub(super) const fn legacy(reset: ResetFormat) -> Self {
        Self {
            names: [
                HeaderName::from_static("x-ratelimit-limit"),
                HeaderName::from_static("x-ratelimit-remaining"),
                HeaderName::from_static("x-ratelimit-reset"),
            ],
            reset,
        }
    }

    /// Returns the fields of draft-ietf-httpapi-ratelimit-headers-06, sections 5.1, 5.3 and 5.4.
    pub(super) const fn draft6() -> Self {
        Self {
            names: [
                HeaderName::from_static("ratelimit-limit"),
                HeaderName::from_static("ratelimit-remaining"),
                HeaderName::from_static("ratelimit-reset"),
            ],
            reset: ResetFormat::Delta,
        }
    }

    /// Adds the fields, unless a layer further in added them: they can report one limit only.
    pub(super) fn add<'a>(
        &self,
        headers: &mut HeaderMap,
        items: impl Iterator<Item = FieldItem<'a>>,
        unix_time: impl FnOnce() -> u64,
    ) {
        let [limit, ..] = &self.names;
        if headers.contains_key(limit) {
            return;
        }
        for (name, value) in self.fields(items, unix_time) {
            headers.insert(name, value);
        }
    }

    /// Returns the fields of the most restrictive limit: the one with the fewest units left, and of several the one
    /// that takes longest until there is more.
    pub(super) fn fields<'a>(
        &self,
        items: impl Iterator<Item = FieldItem<'a>>,
        unix_time: impl FnOnce() -> u64,
    ) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let first = items.min_by_key(|item| (item.remaining(), std::cmp::Reverse(item.more_in())));
        let fields = first.map(|item| {
            let at = match self.reset {
                ResetFormat::Delta => item.more_in(),
                ResetFormat::Epoch => unix_time().saturating_add(item.more_in()),
            };
            let [limit, remaining, reset] = self.names.clone();
            [
                (limit, decimal_value(item.limit.rate.amount().get().into())),
                (remaining, decimal_value(item.remaining().into())),
                (reset, decimal_value(at)),
            ]
        });
        fields.into_iter().flatten()
    }
}
