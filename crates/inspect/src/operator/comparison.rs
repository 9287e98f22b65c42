//! Comparisons with a number or a text: `@eq`, `@streq` and their like.

/// How two numbers are compared.
///
/// Both sides are read as `atoi` does: a text that is no number is 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Comparison {
    /// `@eq`
    Equal,
    /// `@ge`
    AtLeast,
    /// `@gt`
    Above,
    /// `@le`
    AtMost,
    /// `@lt`
    Below,
}

/// How a value and a text are compared.
///
/// Case counts. Rules that want no case use `t:lowercase`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TextTest {
    /// `@beginsWith`
    BeginsWith,
    /// `@contains`, and `@strmatch`, which is the same without its own syntax.
    Contains,
    /// `@containsWord`: no letter, digit or underscore stands next to it.
    ContainsWord,
    /// `@endsWith`
    EndsWith,
    /// `@streq`
    Equal,
    /// The text contains the value.
    ///
    /// `@within`. An empty value is in each text.
    Within,
}

impl Comparison {
    /// Finds a comparison by the name of its operator, in lower case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Equal,
            "ge" => Self::AtLeast,
            "gt" => Self::Above,
            "le" => Self::AtMost,
            "lt" => Self::Below,
            _ => return None,
        })
    }

    /// Compares.
    ///
    /// `value` is of the request, `with` of the rule.
    pub(crate) const fn holds(self, value: i64, with: i64) -> bool {
        match self {
            Self::Equal => value == with,
            Self::AtLeast => value >= with,
            Self::Above => value > with,
            Self::AtMost => value <= with,
            Self::Below => value < with,
        }
    }
}

impl TextTest {
    /// Finds a test by the name of its operator, in lower case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "beginswith" => Self::BeginsWith,
            "contains" | "strmatch" => Self::Contains,
            "containsword" => Self::ContainsWord,
            "endswith" => Self::EndsWith,
            "streq" => Self::Equal,
            "within" => Self::Within,
            _ => return None,
        })
    }

    /// Compares.
    ///
    /// `value` is of the request, `text` of the rule.
    pub(super) fn holds(self, value: &[u8], text: &[u8]) -> bool {
        match self {
            Self::BeginsWith => value.starts_with(text),
            Self::Contains => find(value, text).is_some(),
            Self::ContainsWord => contains_word(value, text),
            Self::EndsWith => value.ends_with(text),
            Self::Equal => value == text,
            Self::Within => find(text, value).is_some(),
        }
    }
}

/// Where a text stands in a value. An empty text stands everywhere.
fn find(value: &[u8], text: &[u8]) -> Option<usize> {
    memchr::memmem::find(value, text)
}

/// Whether a text stands in a value with no letter or digit next to it.
fn contains_word(value: &[u8], text: &[u8]) -> bool {
    let outside =
        |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    memchr::memmem::find_iter(value, text).any(|at| {
        let before = at.checked_sub(1).and_then(|at| value.get(at));
        outside(before) && outside(value.get(at + text.len()))
    })
}
