//! `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-10.
//!
//! Both are Lists of Strings with parameters (RFC 9651): `"tts";r=7;t=6` and `"tts";q=10;w=60`.
//! `t` is the time until additional quota is there; a full bucket has none to wait for, so `t` is
//! left out then.

use std::fmt::Write as _;

use arrayvec::ArrayString;
use http::{HeaderName, HeaderValue};

use super::FieldItem;
use crate::{
    policy::{Limit, Unit},
    rate::MAX_RATES,
};

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A name with its window's, two numbers, quotation marks and parameters.
const MAX_ITEM_BYTES: usize = 120;

type Text = ArrayString<{ MAX_ITEM_BYTES * MAX_RATES }>;

/// Tells how limits stand. Penalties are told only where they refuse: they do not count requests.
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

/// Describes limits.
pub(super) fn policy_value<'a>(limits: impl Iterator<Item = &'a Limit>) -> Option<HeaderValue> {
    let mut text = Text::new();
    for limit in limits {
        push_name(&mut text, &limit.name)?;
        push_parameter(&mut text, ";q=", u64::from(limit.rate.amount().get()))?;
        if limit.unit == Unit::ContentBytes {
            text.try_push_str(";qu=\"content-bytes\"").ok()?;
        }
        push_parameter(&mut text, ";w=", limit.rate.window().as_secs())?;
    }
    header_value(&text)
}

/// A name needs no escaping: policies take only names of letters, digits, `-`, `_` and `.`.
fn push_name(text: &mut Text, name: &str) -> Option<()> {
    let separator = if text.is_empty() { "\"" } else { ", \"" };
    text.try_push_str(separator).ok()?;
    text.try_push_str(name).ok()?;
    text.try_push('"').ok()
}

fn push_parameter(text: &mut Text, name: &str, number: u64) -> Option<()> {
    text.try_push_str(name).ok()?;
    write!(text, "{number}").ok()
}

fn header_value(text: &str) -> Option<HeaderValue> {
    if text.is_empty() {
        return None;
    }
    HeaderValue::from_str(text).ok()
}
