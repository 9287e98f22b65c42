//! `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-10.
//!
//! Both are Lists of Strings with parameters (RFC 9651): `"tts";r=7;t=6` and `"tts";q=10;w=60`.
//! `t` is the time until additional quota is there; a full bucket has none to wait for, so `t` is
//! left out then.

use std::fmt::Write as _;

use arrayvec::ArrayString;
use http::{HeaderName, HeaderValue};

use super::Line;
use crate::{Limit, Unit, rate::MOST_RATES};

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A name with its window's, two numbers, quotation marks and parameters.
const LONGEST_ITEM: usize = 120;

type Text = ArrayString<{ LONGEST_ITEM * MOST_RATES }>;

/// Tells how limits stand. Penalties are told only where they refuse: they do not count requests.
pub(super) fn standing<'a>(lines: impl Iterator<Item = Line<'a>>) -> Option<HeaderValue> {
    let mut text = Text::new();
    for line in lines {
        item(&mut text, &line.limit.name)?;
        parameter(&mut text, ";r=", u64::from(line.remaining()))?;
        if line.more_in() > 0 {
            parameter(&mut text, ";t=", line.more_in())?;
        }
    }
    value(&text)
}

/// Describes limits.
pub(super) fn policy<'a>(limits: impl Iterator<Item = &'a Limit>) -> Option<HeaderValue> {
    let mut text = Text::new();
    for limit in limits {
        item(&mut text, &limit.name)?;
        parameter(&mut text, ";q=", u64::from(limit.rate.amount().get()))?;
        if limit.unit == Unit::ContentBytes {
            text.try_push_str(";qu=\"content-bytes\"").ok()?;
        }
        parameter(&mut text, ";w=", limit.rate.window().as_secs())?;
    }
    value(&text)
}

/// A name needs no escaping: policies take only names of letters, digits, `-`, `_` and `.`.
fn item(text: &mut Text, name: &str) -> Option<()> {
    let separator = if text.is_empty() { "\"" } else { ", \"" };
    text.try_push_str(separator).ok()?;
    text.try_push_str(name).ok()?;
    text.try_push('"').ok()
}

fn parameter(text: &mut Text, name: &str, number: u64) -> Option<()> {
    text.try_push_str(name).ok()?;
    write!(text, "{number}").ok()
}

fn value(text: &str) -> Option<HeaderValue> {
    if text.is_empty() {
        return None;
    }
    HeaderValue::from_str(text).ok()
}
