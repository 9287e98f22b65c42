//! `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-10.
//!
//! Both are Lists of Strings with parameters (RFC 9651): `"tts";r=7;t=6` and `"tts";q=10;w=60`. `r`
//! is the remaining units and `t` the seconds until more are available. A full bucket has no `t`.
//! `q` is the quota and `w` the window in seconds. A value that does not fit into its buffer is
//! left out.

use std::fmt::Write as _;

use arrayvec::ArrayString;
use http::{HeaderName, HeaderValue};

use super::FieldItem;
use crate::{
    policy::{CostUnit, Limit},
    rate::MAX_RATES,
};

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The limit of one item: a name with its window, two numbers, quotation marks and parameters.
const MAX_ITEM_BYTES: usize = 120;

type Text = ArrayString<{ MAX_ITEM_BYTES * MAX_RATES }>;

/// Renders the state of limits. Penalties are reported only where they refuse, since they do not
/// count requests.
pub(super) fn rate_limit_value<'a>(
    items: impl Iterator<Item = FieldItem<'a>>,
) -> Option<HeaderValue> {
    let mut text = Text::new();
    for item in items {
        push_name(&mut text, &item.limit.name)?;
        push_parameter(&mut text, ";r=", u64::from(item.remaining()))?;
        if item.more_in() > 0 {
            push_parameter(&mut text, ";t=", item.more_in())?;
        }
    }
    header_value(&text)
}

/// Renders the description of limits.
pub(super) fn policy_value<'a>(limits: impl Iterator<Item = &'a Limit>) -> Option<HeaderValue> {
    let mut text = Text::new();
    for limit in limits {
        push_name(&mut text, &limit.name)?;
        push_parameter(&mut text, ";q=", u64::from(limit.rate.amount().get()))?;
        if limit.unit == CostUnit::ContentBytes {
            text.try_push_str(";qu=\"content-bytes\"").ok()?;
        }
        push_parameter(&mut text, ";w=", limit.rate.window().as_secs())?;
    }
    header_value(&text)
}

/// Writes a name. It needs no escaping: policies accept only letters, digits, `-`, `_` and `.`.
fn push_name(text: &mut Text, name: &str) -> Option<()> {
    let separator = if text.is_empty() { "\"" } else { ", \"" };
    text.try_push_str(separator).ok()?;
    text.try_push_str(name).ok()?;
    text.try_push('"').ok()
}

/// Writes a parameter with a number.
fn push_parameter(text: &mut Text, name: &str, number: u64) -> Option<()> {
    text.try_push_str(name).ok()?;
    write!(text, "{number}").ok()
}

/// Makes a header value, or `None` for an empty text.
fn header_value(text: &str) -> Option<HeaderValue> {
    if text.is_empty() {
        return None;
    }
    HeaderValue::from_str(text).ok()
}
