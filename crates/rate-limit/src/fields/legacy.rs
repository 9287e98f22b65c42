//! `X-RateLimit-*`: three numbers, about the one limit that binds first.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Line, Reset, seconds::number};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Adds the fields, unless a limit further in already did: they have room for one limit only.
pub(super) fn dress<'a>(
    headers: &mut HeaderMap,
    lines: impl Iterator<Item = Line<'a>>,
    reset: Reset,
    unix_time: impl FnOnce() -> u64,
) {
    if headers.contains_key(LIMIT) {
        return;
    }
    for (name, value) in fields(lines, reset, unix_time) {
        headers.insert(name, value);
    }
}

pub(super) fn fields<'a>(
    lines: impl Iterator<Item = Line<'a>>,
    reset: Reset,
    unix_time: impl FnOnce() -> u64,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let first = lines.min_by_key(|line| (line.remaining(), std::cmp::Reverse(line.more_in())));
    let fields = first.map(|line| {
        let at = match reset {
            Reset::Delta => line.more_in(),
            Reset::Epoch => unix_time().saturating_add(line.more_in()),
        };
        [
            (LIMIT, number(line.limit.rate.amount().get().into())),
            (REMAINING, number(line.remaining().into())),
            (RESET, number(at)),
        ]
    });
    fields.into_iter().flatten()
}
