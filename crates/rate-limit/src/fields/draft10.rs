//! `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-10.
//!
//! Both are Lists of Strings with parameters (RFC 9651): `"tts";r=7;t=6` and `"tts";q=10;w=60`. `r`
//! is the remaining units and `t` the seconds until more are available. A full bucket has no `t`.
//! `q` is the quota and `w` the window in seconds.

use http::{HeaderName, HeaderValue};

use super::{FieldItem, text::FieldText};
use crate::policy::{CostUnit, Limit};

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Renders the state of limits. Penalties are reported only where they refuse, since they do not
/// count requests.
pub(super) fn rate_limit_value<'a>(
    items: impl Iterator<Item = FieldItem<'a>>,
) -> Option<HeaderValue> {
    let mut text = FieldText::default();
    for item in items {
        let (remaining, more_in) = item.numbers();
        push_name(&mut text, &item.limit.name);
        push_parameter(&mut text, ";r=", u64::from(remaining));
        if more_in > 0 {
            push_parameter(&mut text, ";t=", more_in);
        }
    }
    text.into_value()
}

/// Renders the description of limits.
pub(super) fn policy_value<'a>(limits: impl Iterator<Item = &'a Limit>) -> Option<HeaderValue> {
    let mut text = FieldText::default();
    for limit in limits {
        push_name(&mut text, &limit.name);
        push_parameter(&mut text, ";q=", u64::from(limit.rate.amount().get()));
        if limit.unit == CostUnit::ContentBytes {
            text.push_str(";qu=\"content-bytes\"");
        }
        push_parameter(&mut text, ";w=", limit.rate.window().as_secs());
    }
    text.into_value()
}

/// Writes a name. It needs no escaping: policies accept only letters, digits, `-`, `_` and `.`.
fn push_name(text: &mut FieldText, name: &str) {
    text.push_str(if text.is_empty() { "\"" } else { ", \"" });
    text.push_str(name);
    text.push_str("\"");
}

/// Writes a parameter with a number.
fn push_parameter(text: &mut FieldText, name: &str, number: u64) {
    text.push_str(name);
    text.push_number(number);
}
