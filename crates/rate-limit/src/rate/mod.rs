//! Rates as people write them: `10/minute`, `10 per minute`, `200/day;50/hour`.
//!
//! The grammar is Flask-Limiter's: a count, `/` or `per`, an optional multiple, a unit. Several
//! rates stand side by side between `;`, `,` or `|`. Case and spaces do not matter, so `10perminute`
//! is a rate too. On purpose different: weeks are a unit, and a year has 365 days, not 360.

mod error;

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

pub use self::error::RateError;
use self::error::RateProblem;

/// The most rates that one string may hold; a layer decides that many limits at once.
pub(crate) const MAX_RATES: usize = 8;

/// The units of the grammar with their seconds. A month is always 30 days, and a year 365: windows
/// are no calendar.
const UNITS: [(&str, u64); 7] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 3_600),
    ("day", 86_400),
    ("week", 7 * 86_400),
    ("month", 30 * 86_400),
    ("year", 365 * 86_400),
];

/// Ten years. A longer window is a typing error, and its nanoseconds would not leave space for a burst.
const MAX_WINDOW_SECONDS: u64 = 10 * 365 * 86_400;

/// A number of units over a window of time: `10/minute`, `5 per 2 hours`.
///
/// The grammar is Flask-Limiter's: a count, `/` or `per`, an optional multiple, and a unit.
///
/// | Unit | Seconds |
/// |---|---|
/// | `second` | 1 |
/// | `minute` | 60 |
/// | `hour` | 3,600 |
/// | `day` | 86,400 |
/// | `week` | 604,800 |
/// | `month` | 30 days |
/// | `year` | 365 days |
///
/// A plural `s`, case and blanks do not matter. Limits: a count of 1 to 4,294,967,295, and a window of at
/// most ten years. Windows have no fixed beginning: `10/day` is not "until midnight", but ten in any span
/// of 24 hours on average (see [the crate's documentation](crate#what-a-rate-means)).
///
/// ```
/// use palisade_rate_limit::Rate;
///
/// let rate: Rate = "5 per 2 hours".parse()?;
/// assert_eq!(rate.amount().get(), 5);
/// assert_eq!(rate.window().as_secs(), 7200);
/// assert_eq!(rate.to_string(), "5/2 hours");
///
/// // Blanks and case do not matter.
/// assert_eq!("10 PER minute".parse::<Rate>()?, "10/minutes".parse()?);
/// # Ok::<(), palisade_rate_limit::RateError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rate {
    /// The units of one window.
    amount: NonZeroU32,
    /// How many units of time the window has: 2 in `5 per 2 hours`.
    multiple: u32,
    /// The unit of time, as an index of [`UNITS`].
    unit: usize,
}

impl Rate {
    /// Returns so many times the amount over the same window.
    pub(crate) const fn times(self, multiple: NonZeroU32) -> Self {
        Self {
            amount: self.amount.saturating_mul(multiple),
            ..self
        }
    }

    /// Returns another amount over the same window.
    pub(crate) const fn with_amount(self, amount: NonZeroU32) -> Self {
        Self { amount, ..self }
    }

    /// Returns how many units one window grants. At least 1.
    #[must_use]
    pub const fn amount(&self) -> NonZeroU32 {
        self.amount
    }

    /// Returns the length of the window: one second to ten years, in whole seconds.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_secs(u64::from(self.multiple) * self.unit().1)
    }

    /// Returns the window as part of a name: `minute`, `2-hours`.
    pub(crate) fn label(&self) -> String {
        match self.multiple {
            1 => self.unit().0.to_owned(),
            n => format!("{n}-{}s", self.unit().0),
        }
    }

    /// Returns the name and the seconds of the unit of time.
    fn unit(&self) -> (&'static str, u64) {
        UNITS.get(self.unit).copied().unwrap_or(("second", 1))
    }

    /// Reads several rates, separated by `;`, `,` or `|`.
    ///
    /// Two rates over the same window are a mistake, since the lower one always refuses first.
    ///
    /// # Errors
    ///
    /// A rate cannot be read, there are more than eight, or two have the same window.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, RateError> {
        let pieces = text.split([';', ',', '|']).map(str::trim);
        let rates: Vec<Self> = pieces.map(str::parse).collect::<Result<_, _>>()?;
        let error = |problem| RateError::new(text, problem);
        if rates.len() > MAX_RATES {
            return Err(error(RateProblem::TooMany { found: rates.len() }));
        }
        let repeated =
            |rate: &&Self| rates.iter().filter(|r| r.window() == rate.window()).count() > 1;
        match rates.iter().find(repeated) {
            Some(twice) => Err(error(RateProblem::RepeatedWindow(twice.label().into()))),
            None => Ok(rates),
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads one rate.
    ///
    /// # Errors
    ///
    /// If the text is not of the form `COUNT/UNIT` or `COUNT per [N] UNIT`, if a number is 0 or too
    /// large, if the unit is unknown, or if the window is longer than ten years.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = |problem| RateError::new(text, problem);
        let (count, rest) = split_digits(text.trim_start());
        let rest = strip_separator(rest.trim_start()).ok_or(error(RateProblem::Form))?;
        let (multiple, unit) = split_digits(rest.trim_start());
        let amount = parse_number(count).ok_or(error(RateProblem::Count))?;
        let multiple = match multiple {
            "" => Some(NonZeroU32::MIN),
            digits => parse_number(digits),
        };
        let multiple = multiple.ok_or(error(RateProblem::Multiple))?;
        let name = unit.trim();
        let unit = unit_index(name).ok_or(error(RateProblem::Unit(name.into())))?;
        let rate = Self {
            amount,
            multiple: multiple.get(),
            unit,
        };
        if rate.window().as_secs() > MAX_WINDOW_SECONDS {
            return Err(error(RateProblem::Window));
        }
        Ok(rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.multiple {
            1 => write!(f, "{}/{}", self.amount, self.unit().0),
            n => write!(f, "{}/{n} {}s", self.amount, self.unit().0),
        }
    }
}

/// Returns the leading ASCII digits and the rest.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// Removes a leading `/` or the word `per`, in any case. `None` if there is neither.
fn strip_separator(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('/') {
        return Some(rest);
    }
    let (word, rest) = text.split_at_checked(3)?;
    word.eq_ignore_ascii_case("per").then_some(rest)
}

/// Reads a number from 1 to 4,294,967,295. `None` for 0, for nothing, and for more.
fn parse_number(digits: &str) -> Option<NonZeroU32> {
    digits.parse().ok()
}

/// Finds a unit by its name, singular or plural.
fn unit_index(name: &str) -> Option<usize> {
    let singular = name.strip_suffix(['s', 'S']).unwrap_or(name);
    UNITS
        .iter()
        .position(|(unit, _)| unit.eq_ignore_ascii_case(singular))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, u64)]) {
        let rates = Rate::parse_all(text).unwrap();
        let found: Vec<_> = rates
            .iter()
            .map(|r| (r.amount().get(), r.window().as_secs()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[track_caller]
    fn refuse(text: &str, remedy: &str) {
        let error = Rate::parse_all(text).unwrap_err().to_string();
        assert!(error.contains(remedy), "{text}: {error}");
    }

    #[test]
    fn every_form_of_flask_limiter_is_read() {
        check("10/minute", &[(10, 60)]);
        check("10 per minute", &[(10, 60)]);
        check("10 PER Minute", &[(10, 60)]);
        check("  10 / Minutes ", &[(10, 60)]);
        check("5 per 2 hours", &[(5, 7200)]);
        check("5/2hours", &[(5, 7200)]);
        check("1per2day", &[(1, 172_800)]);
        check("200/day;50/hour", &[(200, 86_400), (50, 3600)]);
        check(
            "200 per day, 50 per hour | 1/second",
            &[(200, 86_400), (50, 3600), (1, 1)],
        );
        check("10 perminute", &[(10, 60)]);
        check("10perminute", &[(10, 60)]);
        check("1/month", &[(1, 2_592_000)]);
        check("1/year", &[(1, 31_536_000)]);
        check("1 per 2 weeks", &[(1, 1_209_600)]);
    }

    #[test]
    fn the_strings_in_the_tests_of_limits_5_8_mean_the_same() {
        for text in ["1 per second", "1/SECOND", "1 / Second", "1 per 1 second"] {
            check(text, &[(1, 1)]);
        }
        for text in ["1 per minute", "1/MINUTE", "1/Minute"] {
            check(text, &[(1, 60)]);
        }
        for text in ["1 per hour", "1/HOUR", "1/Hour"] {
            check(text, &[(1, 3600)]);
        }
        for text in ["1 per day", "1/DAY", "1 / Day"] {
            check(text, &[(1, 86_400)]);
        }
        for text in ["1 per month", "1/MONTH", "1 / Month"] {
            check(text, &[(1, 30 * 86_400)]);
        }
        check("1 per 3 hour", &[(1, 3 * 3600)]);
        check("1 per 2 hours", &[(1, 2 * 3600)]);
        check("1/2 day", &[(1, 2 * 86_400)]);
        check("1 per 3 hour; 1 per second", &[(1, 3 * 3600), (1, 1)]);
        check("1 per 3 hour, 1 per second", &[(1, 3 * 3600), (1, 1)]);
        for text in [
            "1 per millenium",
            "meow",
            "1 per yearl; 2 per decade",
            "1/fake",
        ] {
            assert!(Rate::parse_all(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_differs_from_limits_5_8_differs_on_purpose() {
        // A year there has 360 days, and there are no weeks.
        check("1 per year", &[(1, 365 * 86_400)]);
        check("10/week", &[(10, 7 * 86_400)]);
        // There they are read: as a limit that refuses everything, and as a multiple of one.
        refuse("0/minute", "the count must be 1");
        refuse("10/0 minutes", "the multiple");
        // There the second never decides.
        refuse("10/minute;20/60 seconds", "over the same minute");
        refuse("4294967296/minute", "the count must be 1");
        refuse("10/11 years", "ten years");
        refuse("1/second:;2/minute", "is not a unit");
    }

    #[test]
    fn every_mistake_is_named_with_its_remedy() {
        refuse("", "expected a form");
        refuse("minute", "expected a form");
        refuse("10", "expected a form");
        refuse("10 minutes", "expected a form");
        refuse("10 permanent", "`manent` is not a unit");
        refuse("10 per", "is not a unit");
        refuse("10 per per minute", "is not a unit");
        refuse(
            "10/fortnight",
            "`fortnight` is not a unit; use one of second, minute",
        );
        refuse("10/", "is not a unit");
        refuse("0/minute", "the count must be 1");
        refuse("-1/minute", "expected a form");
        refuse("1.5/minute", "expected a form");
        refuse("4294967296/minute", "the count must be 1");
        refuse("10/0 minutes", "the multiple");
        refuse("10/11 years", "ten years");
        refuse("10/4294967295 years", "ten years");
        refuse("10/minute;", "expected a form");
        refuse("10/minute;20/60 seconds", "over the same minute");
        refuse("1/s;1/s", "`s` is not a unit");
        refuse("10/minüte", "is not a unit");
        refuse("１０/minute", "expected a form");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
            let _ = Rate::parse_all(&text);
        }

        #[test]
        fn what_is_printed_is_read_back(amount in 1..=u32::MAX, multiple in 1..=10_u32, unit in 0..UNITS.len()) {
            let rate = Rate { amount: NonZeroU32::new(amount).unwrap(), multiple, unit };
            prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        }
    }
}
