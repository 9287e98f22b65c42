//! What an operator matched, for rules that keep it (`capture`).

use regex::bytes::Regex;

/// Where in a value an operator matched, for `capture`.
///
/// The first is the whole match, then the groups, at most nine. Groups that took no part are
/// empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Captures(pub(crate) Vec<Vec<u8>>);

/// Keeps what matched. Always true, so that it ends a condition.
pub(super) fn capture(captured: Option<&mut Captures>, found: &[u8]) -> bool {
    if let Some(captured) = captured {
        captured.0 = vec![found.to_vec()];
    }
    true
}

/// Runs a pattern, with its groups only if they are wanted.
pub(super) fn matches_pattern(
    pattern: &Regex,
    value: &[u8],
    captured: Option<&mut Captures>,
) -> bool {
    let Some(captured) = captured else {
        return pattern.is_match(value);
    };
    // Most values do not match, and the question without groups is the cheaper one.
    if !pattern.is_match(value) {
        return false;
    }
    let Some(groups) = pattern.captures(value) else {
        return false;
    };
    let text = |group: Option<regex::bytes::Match<'_>>| {
        group.map_or(Vec::new(), |g| g.as_bytes().to_vec())
    };
    captured.0 = groups.iter().take(10).map(text).collect();
    true
}
