//! What is wrong with a text that is not a rate, and what would be right.

use std::fmt;

use super::{MAX_RATES, UNITS};

/// Why a text is not a [`Rate`](super::Rate), or not a list of rates.
///
/// The message repeats the text, says what is wrong, and shows what would be right. It can be shown to
/// an operator as it is. [`PolicyWithoutRate::rate`](crate::PolicyWithoutRate::rate) adds the name of the
/// policy.
///
/// | Mistake | Message |
/// |---|---|
/// | `10 minutes` | expected a form like `10/minute` or `10 per minute` |
/// | `0/minute` | the count must be 1 to 4294967295 |
/// | `10/0 minutes` | the multiple of the unit must be 1 or more |
/// | `10/fortnight` | `fortnight` is not a unit; use one of second, minute … |
/// | `10/11 years` | the window is longer than ten years; shorten it |
/// | `10/minute;20/60 seconds` | two rates over the same minute; keep the lower one |
/// | nine rates | 9 rates, but at most 8 are allowed |
///
/// ```
/// use palisade_rate_limit::Rate;
///
/// let error = "10/fortnight".parse::<Rate>().unwrap_err();
/// assert!(error.to_string().contains("`fortnight` is not a unit; use one of second, minute"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateError {
    /// What was written.
    text: Box<str>,
    /// What is wrong with it, with the remedy.
    problem: RateProblem,
}

/// The mistakes. Their messages are in [`Display`](fmt::Display).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum RateProblem {
    Form,
    Count,
    Multiple,
    Unit(Box<str>),
    Window,
    RepeatedWindow(Box<str>),
    TooMany { found: usize },
}

impl RateError {
    /// Keeps the text and the problem for the message.
    pub(super) fn new(text: &str, problem: RateProblem) -> Self {
        Self {
            text: text.into(),
            problem,
        }
    }
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate {:?}: {}", self.text, self.problem)
    }
}

impl std::error::Error for RateError {}

impl fmt::Display for RateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("expected a form like `10/minute` or `10 per minute`"),
            Self::Count => write!(f, "the count must be 1 to {}", u32::MAX),
            Self::Multiple => f.write_str("the multiple of the unit must be 1 or more"),
            Self::Unit(name) => {
                let known = UNITS.map(|(unit, _)| unit).join(", ");
                write!(f, "`{name}` is not a unit; use one of {known}")
            }
            Self::Window => f.write_str("the window is longer than ten years; shorten it"),
            Self::RepeatedWindow(window) => {
                write!(f, "two rates over the same {window}; keep the lower one")
            }
            Self::TooMany { found } => {
                write!(
                    f,
                    "{found} rates, but at most {MAX_RATES} are allowed; remove those that never bind"
                )
            }
        }
    }
}
