//! Operators: what a rule asks of a value.
//!
//! "Operators" in the reference manual describes each. An operator is read once, with its
//! argument, and asked with bytes. It has no state of a request; an argument with macros is
//! completed by the caller.
//!
//! All run in a time that is at most linear in the value, times the size of their argument.
//! Operators that ask a network (`@rbl`, `@geoLookup`), run a program (`@inspectFile`) or need
//! data that is not here (`@verifyCC`, `@gsbLookup`) are errors when a rule is loaded.

mod captures;
mod checks;
mod comparison;
mod needs;
pub(crate) mod pattern;
mod phrases;
mod sql_injection;

use std::path::Path;

use libinjectionrs::detect_xss;
use regex::bytes::Regex;

use self::captures::{capture, matches_pattern};
use self::comparison::TextTest;
pub(crate) use self::{
    captures::Captures,
    checks::{is_wrong_url_encoding, number},
    comparison::Comparison,
    needs::Needs,
};
use self::{checks::Network, phrases::Phrases, sql_injection::SqlInjection};
use crate::byte_set::ByteSet;
use crate::variables::{MacroText, TxNames};

/// An operator with its argument.
///
/// Large variants are boxed, so that checks stay small.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
    /// `@unconditionalMatch`
    ///
    /// It is also that of `SecAction`.
    Always,
    /// `@validateByteRange`: a byte is outside of the set.
    ///
    /// A value matches if it has a byte that is not allowed.
    BytesOutside(ByteSet),
    /// `@eq`, `@ge`, `@gt`, `@le`, `@lt`
    Compare(Comparison, MacroText),
    /// `@ipMatch`
    ///
    /// The value must be an address. IPv4 addresses mapped to IPv6 count as IPv4.
    InNetwork(Vec<Network>),
    /// `@noMatch`
    Never,
    /// `@rx`
    ///
    /// It is the operator of a rule that names none.
    Pattern(Box<Regex>),
    /// `@rx` whose pattern refers to values of the request, compiled when it is needed.
    ///
    /// Each question compiles it, which is slow, and one that cannot be compiled matches nothing.
    /// CRS has few of them.
    PatternOfRequest(MacroText),
    /// `@pm`, `@pmFromFile`
    ///
    /// Case does not count.
    Phrases(Box<Phrases>),
    /// `@detectSQLi`
    ///
    /// It captures the fingerprint, a short text such as `s&sos`.
    SqlInjection(SqlInjection),
    /// `@streq`, `@contains`, `@within` and their like
    Text(TextTest, MacroText),
    /// `@validateUrlEncoding`
    ///
    /// A value matches if its encoding is wrong.
    WrongUrlEncoding,
    /// `@validateUtf8Encoding`
    ///
    /// Overlong forms and surrogates are wrong too (RFC 3629).
    WrongUtf8,
    /// `@detectXSS`
    ///
    /// The parser of HTML in libinjection.
    Xss,
}

impl Operator {
    /// Reads an operator. Without `@` it is a pattern.
    ///
    /// Names have no case. `folder` has the data files, `names` the numbers of variables.
    ///
    /// # Errors
    ///
    /// The reason as text: an operator that is not supported, or a wrong argument.
    pub(crate) fn parse(text: &str, folder: &Path, names: &mut TxNames) -> Result<Self, String> {
        let Some(named) = text.trim_start().strip_prefix('@') else {
            return Self::parse_pattern(text, names);
        };
        let (name, argument) = named.split_once(char::is_whitespace).unwrap_or((named, ""));
        let name = name.to_ascii_lowercase();
        // A pattern may end with a blank that counts; the others may not.
        if name == "rx" {
            return Self::parse_pattern(argument.trim_start(), names);
        }
        let argument = argument.trim();
        if let Some(found) = Self::parse_comparison(&name, argument, names)? {
            return Ok(found);
        }
        Ok(match name.as_str() {
            "detectsqli" => Self::SqlInjection(SqlInjection::new()),
            "detectxss" => Self::Xss,
            "ipmatch" => Self::InNetwork(checks::parse_networks(argument)?),
            "nomatch" => Self::Never,
            "pm" => Self::Phrases(Box::new(Phrases::of_list(argument)?)),
            "pmf" | "pmfromfile" => Self::Phrases(Box::new(Phrases::of_files(argument, folder)?)),
            "unconditionalmatch" => Self::Always,
            "validatebyterange" => Self::BytesOutside(checks::byte_ranges(argument)?),
            "validateurlencoding" => Self::WrongUrlEncoding,
            "validateutf8encoding" => Self::WrongUtf8,
            _ => return Err(format!("the operator @{name} is not supported")),
        })
    }

    /// Reads `@rx`.
    ///
    /// # Errors
    ///
    /// The pattern cannot be compiled, or names a collection that is unknown.
    fn parse_pattern(text: &str, names: &mut TxNames) -> Result<Self, String> {
        if text.contains("%{") {
            let macros = MacroText::parse(text, names)?;
            if macros.literal().is_none() {
                return Ok(Self::PatternOfRequest(macros));
            }
        }
        Ok(Self::Pattern(Box::new(pattern::compile(text)?)))
    }

    /// Reads the operators that compare with a text or a number.
    ///
    /// `None`: it is another operator. The error is that of a reference in the argument.
    fn parse_comparison(
        name: &str,
        argument: &str,
        names: &mut TxNames,
    ) -> Result<Option<Self>, String> {
        if let Some(comparison) = Comparison::parse(name) {
            let argument = MacroText::parse(argument, names)?;
            return Ok(Some(Self::Compare(comparison, argument)));
        }
        let Some(test) = TextTest::parse(name) else {
            return Ok(None);
        };
        Ok(Some(Self::Text(test, MacroText::parse(argument, names)?)))
    }

    /// The argument that may refer to values of the request. `None`: it has none.
    pub(crate) const fn argument(&self) -> Option<&MacroText> {
        match self {
            Self::Compare(_, text) | Self::PatternOfRequest(text) | Self::Text(_, text) => {
                Some(text)
            }
            _ => None,
        }
    }

    /// Whether a value was found clean before. False is no promise.
    pub(crate) fn is_known_clean(&self, value: &[u8]) -> bool {
        match self {
            Self::SqlInjection(detector) => detector.is_known_clean(value),
            _ => false,
        }
    }

    /// How much work it is to ask about a value, at most, in bytes that a pattern
    /// reads.
    pub(crate) fn cost(&self, value: &[u8]) -> usize {
        let length = value.len();
        match self {
            Self::SqlInjection(_) => sql_injection::cost(value),
            Self::Phrases(_) | Self::Xss => length.saturating_mul(4),
            // It is compiled for each value.
            Self::PatternOfRequest(_) => length.saturating_add(100_000),
            _ => length,
        }
    }

    /// What a value must contain to match at all.
    ///
    /// `text` is the operator as written, since a compiled pattern cannot be asked. The default
    /// asks for nothing and is always right.
    pub(crate) fn needs(&self, text: &str) -> Needs {
        match self {
            Self::Pattern(_) => Needs::of_pattern(pattern_text(text)),
            Self::Phrases(phrases) => Needs::of_phrases(phrases.phrases()),
            // No element and no attribute without one of these.
            Self::Xss => Needs {
                literals: Vec::new(),
                sets: vec![ByteSet::of(b"<=")],
            },
            // Letters alone are one word, and no single word is an injection.
            Self::SqlInjection(_) => Needs {
                literals: Vec::new(),
                sets: vec![sql_injection::no_letters()],
            },
            Self::WrongUrlEncoding => Needs {
                literals: Vec::new(),
                sets: vec![ByteSet::of(b"%")],
            },
            Self::WrongUtf8 => Needs {
                literals: Vec::new(),
                sets: vec![ByteSet::range(0x80, 0xff)],
            },
            _ => Needs::default(),
        }
    }

    /// Whether a value matches. `argument` completes the texts that refer to the request, and
    /// `captured` receives the groups if it is given.
    ///
    /// `!` is handled by the caller. Without `captured`, patterns run in their fastest way.
    pub(crate) fn matches(
        &self,
        value: &[u8],
        argument: impl Fn(&MacroText) -> Vec<u8>,
        captured: Option<&mut Captures>,
    ) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::BytesOutside(allowed) => value.iter().any(|byte| !allowed.contains(*byte)),
            Self::Compare(comparison, text) => {
                comparison.holds(number(value), number(&argument(text)))
            }
            Self::InNetwork(networks) => networks.iter().any(|network| network.contains(value)),
            Self::Pattern(pattern) => matches_pattern(pattern, value, captured),
            Self::PatternOfRequest(text) => {
                let text = argument(text);
                pattern::compile(&String::from_utf8_lossy(&text))
                    .is_ok_and(|pattern| matches_pattern(&pattern, value, captured))
            }
            Self::Phrases(phrases) => match phrases.find(value) {
                Some((start, end)) => capture(captured, value.get(start..end).unwrap_or_default()),
                None => false,
            },
            Self::SqlInjection(detector) => match detector.find(value) {
                Some(fingerprint) => capture(captured, &fingerprint),
                None => false,
            },
            Self::Text(test, text) => match text.literal() {
                Some(text) => test.holds(value, text),
                None => test.holds(value, &argument(text)),
            },
            Self::WrongUrlEncoding => checks::is_wrong_url_encoding(value),
            Self::WrongUtf8 => checks::is_wrong_utf8(value),
            Self::Xss => detect_xss(value).is_injection() && capture(captured, value),
        }
    }
}

/// The pattern in `@rx pattern`.
fn pattern_text(text: &str) -> &str {
    let text = text.strip_prefix('!').unwrap_or(text).trim_start();
    text.strip_prefix("@rx").map_or(text, str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(operator: &str, value: &[u8]) -> bool {
        let operator =
            Operator::parse(operator, Path::new("."), &mut TxNames::default()).expect("valid");
        operator.matches(
            value,
            |text| text.literal().unwrap_or_default().to_vec(),
            None,
        )
    }

    #[test]
    fn each_operator_tells_values_apart() {
        for (operator, matching, other) in [
            ("@rx ^a", "ab", "b"),
            ("^a", "ab", "b"),
            ("@pm cat dog", "a DOG", "bird"),
            ("@streq a", "a", "A"),
            ("@contains b", "abc", "ac"),
            ("@containsWord b", "a b c", "abc"),
            ("@beginsWith ab", "abc", "cab"),
            ("@endsWith bc", "abc", "abcd"),
            ("@within GET POST", "POST", "PUT"),
            ("@eq 3", "3", "4"),
            ("@ge 3", "3", "2"),
            ("@gt 3", "4", "3"),
            ("@le 3", "3", "4"),
            ("@lt 3", "2", "3"),
            ("@ipMatch 10.0.0.0/8", "10.1.1.1", "11.1.1.1"),
            ("@validateByteRange 32-126", "a\n", "a"),
            ("@validateUrlEncoding", "%4", "%41"),
            ("@detectSQLi", "1' OR '1'='1", "hello"),
            ("@detectXSS", "<script>alert(1)</script>", "hello"),
            ("@unconditionalMatch", "", "none"),
        ] {
            assert!(
                matches(operator, matching.as_bytes()),
                "{operator} matches {matching}"
            );
            if operator != "@unconditionalMatch" {
                assert!(
                    !matches(operator, other.as_bytes()),
                    "{operator} does not match {other}"
                );
            }
        }
        assert!(matches("@validateUtf8Encoding", b"\xff") && !matches("@noMatch", b"a"));
    }

    #[test]
    fn an_unknown_operator_is_named() {
        let error = Operator::parse("@geoLookup", Path::new("."), &mut TxNames::default());
        assert_eq!(
            error.expect_err("unknown"),
            "the operator @geolookup is not supported"
        );
    }
}
