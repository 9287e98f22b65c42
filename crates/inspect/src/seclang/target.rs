//! What a rule looks at: `ARGS|!ARGS:text|&REQUEST_HEADERS:Host|TX:/^a_/`.
//!
//! "Variables" in the reference manual has the names. One entry is `[!][&]COLLECTION[:selector]`;
//! entries stand between `|` or commas. A selector is a name, a name in single quotes, or a
//! pattern between slashes.

use regex::bytes::Regex;

use crate::operator::pattern;
use crate::variables::{Collection, TxNames};

/// Which values of a collection are meant.
///
/// Names are compared without case, as header names must be and as ModSecurity compares
/// parameters.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    /// All.
    All,
    /// Those with this name, in lower case.
    Key(Vec<u8>),
    /// Those whose name matches.
    ///
    /// It is matched anywhere in the name, without case.
    Pattern(Regex),
    /// The transaction variable with this number.
    ///
    /// Only in the collection `TX`.
    Tx(usize),
}

/// One entry of a list of targets.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `&`: the number of values in place of the values.
    ///
    /// The operator then compares a number.
    pub(crate) count: bool,
    /// `!`: these values are left out.
    ///
    /// Such an entry never adds values. The position in the list does not matter.
    pub(crate) excluded: bool,
    /// Where the values are.
    pub(crate) collection: Collection,
    /// Which of them.
    pub(crate) selector: Selector,
}

impl Target {
    /// Whether this target, as an exclusion, leaves out the value with this name.
    ///
    /// `collection` is the one through which the rule reads the value.
    pub(crate) fn leaves_out(&self, collection: Collection, key: &[u8]) -> bool {
        covers(self.collection, collection)
            && match &self.selector {
                Selector::All => true,
                Selector::Key(name) => name.eq_ignore_ascii_case(key),
                Selector::Pattern(pattern) => pattern.is_match(key),
                Selector::Tx(_) => false,
            }
    }
}

/// Whether an exclusion written for one collection reaches values read through another.
///
/// `!ARGS:a` must also hold where a rule reads the same parameter as `ARGS_GET:a`.
fn covers(written: Collection, read: Collection) -> bool {
    written == read
        || match written {
            Collection::Args => matches!(read, Collection::ArgsGet | Collection::ArgsPost),
            Collection::ArgsNames => {
                matches!(read, Collection::ArgsGetNames | Collection::ArgsPostNames)
            }
            _ => false,
        }
}

/// Reads a list of targets.
///
/// Selectors of `TX` get their numbers in `names`.
///
/// # Errors
///
/// The reason as text: an unknown collection or a selector that is no pattern.
pub(crate) fn parse(text: &str, names: &mut TxNames) -> Result<Vec<Target>, String> {
    split_targets(text)
        .into_iter()
        .map(|part| parse_one(part, names))
        .collect()
}

/// Splits at `|` and `,`, except inside `/…/` and `'…'` selectors.
///
/// Blank entries are left out.
fn split_targets(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = end_of_target(rest);
        let (part, after) = rest.split_at(end);
        if !part.trim().is_empty() {
            parts.push(part.trim());
        }
        rest = after.get(1..).unwrap_or_default();
    }
    parts
}

/// Where the first target of a list ends.
///
/// XPath after `XML:` starts with a slash but is no pattern.
fn end_of_target(text: &str) -> usize {
    let separator = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.find(['|', ',']).map_or(text.len(), |at| from + at)
    };
    let plain = separator(0);
    let Some(colon) = text.find(':').filter(|colon| *colon < plain) else {
        return plain;
    };
    let selector = text.get(colon + 1..).unwrap_or_default();
    let is_xml = text
        .get(..colon)
        .is_some_and(|name| name.to_ascii_uppercase().ends_with("XML"));
    let close = match selector.as_bytes().first() {
        Some(b'\'') => selector
            .get(1..)
            .and_then(|s| s.find('\''))
            .map(|at| at + 1),
        Some(b'/') if !is_xml => end_of_pattern(selector),
        _ => None,
    };
    close.map_or(plain, |close| separator(colon + 1 + close))
}

/// Where the closing `/` of a pattern stands: it is followed by a separator or the end.
///
/// A slash inside the pattern needs no escape unless a separator follows it.
fn end_of_pattern(selector: &str) -> Option<usize> {
    let bytes = selector.as_bytes();
    let closes = |at: &usize| {
        bytes.get(*at) == Some(&b'/') && matches!(bytes.get(at + 1), None | Some(b'|' | b','))
    };
    (1..bytes.len()).find(closes)
}

/// Reads one target.
///
/// The marks `!` and `&` come in this order.
///
/// # Errors
///
/// A collection that is unknown, or a selector whose pattern cannot be compiled.
fn parse_one(text: &str, names: &mut TxNames) -> Result<Target, String> {
    let (excluded, text) = strip_mark(text, '!');
    let (count, text) = strip_mark(text, '&');
    let (name, key) = text.split_once(':').unwrap_or((text, ""));
    let collection = Collection::supported(name)?;
    let selector = parse_selector(collection, key.trim_matches('\''), names)?;
    Ok(Target {
        count,
        excluded,
        collection,
        selector,
    })
}

/// Removes a mark from the front and tells whether it was there.
fn strip_mark(text: &str, mark: char) -> (bool, &str) {
    text.strip_prefix(mark)
        .map_or((false, text), |rest| (true, rest))
}

/// Reads what stands after the colon.
///
/// # Errors
///
/// The pattern of the selector cannot be compiled.
fn parse_selector(
    collection: Collection,
    key: &str,
    names: &mut TxNames,
) -> Result<Selector, String> {
    if collection == Collection::Xml {
        // Two values exist: the text of all elements, and each attribute. Any other XPath is
        // answered with both.
        return Ok(match key {
            "/*" | "//@*" => Selector::Key(key.as_bytes().to_vec()),
            _ => Selector::All,
        });
    }
    if key.is_empty() {
        return Ok(Selector::All);
    }
    if let Some(inner) = key.strip_prefix('/').and_then(|key| key.strip_suffix('/')) {
        let pattern = pattern::compile(&format!("(?i){inner}"))?;
        return Ok(Selector::Pattern(pattern));
    }
    if collection == Collection::Tx {
        return Ok(Selector::Tx(names.intern(key)));
    }
    Ok(Selector::Key(key.to_ascii_lowercase().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_inside_a_pattern_does_not_split() {
        let parts = split_targets("ARGS|!ARGS:/a|b[/]c/|XML:/*|XML://@*|ARGS:'/x|y/',&TX:z");
        let expected = [
            "ARGS",
            "!ARGS:/a|b[/]c/",
            "XML:/*",
            "XML://@*",
            "ARGS:'/x|y/'",
            "&TX:z",
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn marks_and_selectors_are_read() {
        let mut names = TxNames::default();
        let targets = parse("!REQUEST_HEADERS:Host|&TX:a", &mut names).expect("valid");
        let [host, count] = targets.as_slice() else {
            panic!("two targets")
        };
        assert!(host.excluded && host.leaves_out(Collection::RequestHeaders, b"hOST"));
        assert!(!host.leaves_out(Collection::RequestHeaders, b"Accept"));
        assert!(count.count && matches!(count.selector, Selector::Tx(_)));
    }

    #[test]
    fn a_collection_without_a_value_is_named() {
        for (text, expected) in [
            ("GEO:COUNTRY", "the collection GEO is not supported"),
            (
                "ARGS|&remote_port",
                "the collection remote_port has no value here: only the address of the client is known",
            ),
            (
                "TIME_EPOCH",
                "the collection TIME_EPOCH has no value here: a verdict does not depend on the clock",
            ),
        ] {
            let error = parse(text, &mut TxNames::default()).expect_err(text);
            assert_eq!(error, expected);
        }
    }
}
