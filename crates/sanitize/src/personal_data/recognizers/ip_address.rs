//! Addresses of the Internet Protocol, as the standard library reads them.
//!
//! A port or a prefix length after an address is not part of it. Addresses of this machine, unspecified
//! ones and the broadcast address are no personal data. A run of digits and dots after `v` is a version.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::super::kind::PersonalDataKind;
use super::Search;

/// The longest address: IPv6 with an IPv4 address at its end.
const LONGEST: usize = 45;

/// Adds the addresses in runs of hexadecimal digits, dots and colons.
///
/// A run that touches a letter is part of a word and is skipped.
pub(super) fn find(search: &mut Search<'_>) {
    let folded = search.folded;
    let view = folded.as_str();
    let bytes = view.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    let mut at = 0;
    while let Some(skip) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(is_part))
    {
        let start = at + skip;
        let length = bytes.get(start..).map_or(0, |rest| {
            rest.iter()
                .position(|byte| !is_part(byte))
                .unwrap_or(rest.len())
        });
        at = start + length;
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        if !word(before) && !word(bytes.get(at)) {
            add(search, view, start..at);
        }
    }
}

/// Adds the run if it is an address, perhaps with a port or at the end of a sentence.
///
/// Score 85 for IPv4. For IPv6 it depends on the number of groups: 80, 40 or 20.
fn add(search: &mut Search<'_>, view: &str, run: Range<usize>) {
    let text = view.get(run.clone()).unwrap_or_default();
    let text = text.trim_end_matches(['.', ':']);
    let text = match text.split_once(':') {
        Some((address, port)) if address.contains('.') && !port.contains(':') => address,
        _ => text,
    };
    if !(3..=LONGEST).contains(&text.len()) {
        return;
    }
    let place = run.start..run.start + text.len();
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        // Addresses of this machine and unspecified ones belong to no one.
        if !(address.is_loopback() || address.is_unspecified() || address.is_broadcast()) {
            search.add(PersonalDataKind::Ipv4, place, 85, false);
        }
    } else if let Ok(address) = text.parse::<Ipv6Addr>() {
        if address.is_loopback() || address.is_unspecified() {
            return;
        }
        // `a::b` is also a path in a programming language; `2001:db8::` and `::ffff:192.0.2.1` are not.
        let groups = text.split(':').filter(|group| !group.is_empty()).count();
        let is_code = groups < 3 && !text.bytes().any(|byte| byte.is_ascii_digit());
        let score = match groups {
            3.. => 80,
            _ if text.contains('.') => 80,
            _ if is_code => 20,
            _ => 40,
        };
        search.add(PersonalDataKind::Ipv6, place, score, false);
    }
}
