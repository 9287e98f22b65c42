//! `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-10.
//!
//! Both are Lists of Strings with parameters (RFC 9651): `"tts";r=7;t=6` and `"tts";q=10;w=60`. `r`
//! is the remaining units and `t` the seconds until more are available. A full bucket has no `t`.
//! `q` is the quota and `w` the window in seconds. By option, `pk` names the bucket: see `partition`.

use bytes::{BufMut, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{Entry, OccupiedEntry},
};
use palisade_internal::short_bytes;

use super::{
    FieldItem,
    text::{field_value, push_number},
};
use crate::policy::{CostUnit, Limit};

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Renders the state of limits. Penalties are reported only where they refuse, since they do not
/// count requests.
pub(super) fn rate_limit_value<'a>(
    items: impl Iterator<Item = FieldItem<'a>>,
) -> Option<HeaderValue> {
    field_value(short_bytes::write(|text| push_states(text, items)))
}

/// Adds the state of limits to a response.
pub(super) fn add_rate_limit<'a>(
    headers: &mut HeaderMap,
    items: impl Iterator<Item = FieldItem<'a>>,
) {
    match headers.entry(RATE_LIMIT) {
        Entry::Vacant(vacant) => {
            if let Some(value) = rate_limit_value(items) {
                vacant.insert(value);
            }
        }
        Entry::Occupied(occupied) => join(occupied, |text| push_states(text, items)),
    }
}

/// Adds the description of limits to a response.
pub(super) fn add_policy(headers: &mut HeaderMap, policy: HeaderValue) {
    match headers.entry(RATE_LIMIT_POLICY) {
        Entry::Vacant(vacant) => {
            vacant.insert(policy);
        }
        Entry::Occupied(occupied) => {
            join(occupied, |text| text.put_slice(policy.as_bytes()));
        }
    }
}

/// Renders the description of limits as draft 6 has it: a list of quotas without names, such as `10;w=60`.
pub(super) fn draft6_policy_value<'a>(
    limits: impl Iterator<Item = &'a Limit>,
) -> Option<HeaderValue> {
    let mut text = BytesMut::new();
    for (index, limit) in limits.enumerate() {
        text.put_slice(if index == 0 { "" } else { ", " }.as_bytes());
        push_number(&mut text, u64::from(limit.rate.amount().get()));
        push_parameter(&mut text, b";w=", limit.rate.window().as_secs());
    }
    field_value(text.freeze())
}

/// Writes the state of each limit.
fn push_states<'a>(text: &mut BytesMut, items: impl Iterator<Item = FieldItem<'a>>) {
    for (index, item) in items.enumerate() {
        let (remaining, more_in) = item.numbers();
        push_name(text, index, &item.limit.name);
        push_parameter(text, b";r=", u64::from(remaining));
        if more_in > 0 {
            push_parameter(text, b";t=", more_in);
        }
        if let Some(partition) = item.partition {
            partition.push(text);
        }
    }
}

/// Renders the description of limits. It is kept, so it has an allocation of its own.
pub(super) fn policy_value<'a>(limits: impl Iterator<Item = &'a Limit>) -> Option<HeaderValue> {
    let mut text = BytesMut::new();
    for (index, limit) in limits.enumerate() {
        push_name(&mut text, index, &limit.name);
        push_parameter(&mut text, b";q=", u64::from(limit.rate.amount().get()));
        if limit.unit == CostUnit::ContentBytes {
            text.put_slice(b";qu=\"content-bytes\"");
        }
        push_parameter(&mut text, b";w=", limit.rate.window().as_secs());
    }
    field_value(text.freeze())
}

/// Adds members to the list of a field that a layer further in has set. They go into its line: a field is one list, in
/// one line or in several (RFC 9651, 4.2), and some clients read the first line alone.
fn join(mut field: OccupiedEntry<'_, HeaderValue>, push_members: impl FnOnce(&mut BytesMut)) {
    let joined = short_bytes::write(|text| {
        text.put_slice(field.get().as_bytes());
        text.put_slice(b", ");
        push_members(text);
    });
    if let Some(joined) = field_value(joined) {
        *field.get_mut() = joined;
    }
}

/// Writes the name of the list's next limit. It needs no escaping: policies accept only letters, digits, `-`, `_`
/// and `.`.
fn push_name(text: &mut BytesMut, index: usize, name: &str) {
    text.put_slice(if index == 0 { "\"" } else { ", \"" }.as_bytes());
    text.put_slice(name.as_bytes());
    text.put_slice(b"\"");
}

/// Writes a parameter with a number.
fn push_parameter(text: &mut BytesMut, name: &[u8], number: u64) {
    text.put_slice(name);
    push_number(text, number);
}
