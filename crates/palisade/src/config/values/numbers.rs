//! Numbers of the file, each with a range, so that a typing mistake is an error at start.

use std::time::Duration;

use toml::Spanned;

use crate::config::{Config, ConfigFileError};

/// A number as it is written, with its position. `None`: the key is missing.
pub(in crate::config) type Number = Option<Spanned<u64>>;

/// Seconds of a day.
pub(in crate::config) const DAY_SECONDS: u64 = 24 * 60 * 60;

/// What a number of the file counts.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) enum TimeUnit {
    /// Days of 24 hours.
    Days,
    /// Hours.
    #[cfg(feature = "webhook")]
    Hours,
    /// Minutes.
    Minutes,
    /// Seconds.
    Seconds,
}

impl Config {
    /// Reads an optional number from `least` to `most`, both included.
    ///
    /// # Errors
    ///
    /// It is out of range; the error names both bounds.
    pub(in crate::config) fn number<T: TryFrom<u64>>(
        &self,
        value: &Number,
        least: u64,
        most: u64,
    ) -> Result<Option<T>, ConfigFileError> {
        let value = value.as_ref();
        value
            .map(|value| self.in_range(value, least, most))
            .transpose()
    }

    /// Returns a number if it is from `least` to `most`; otherwise an error with the range.
    ///
    /// # Errors
    ///
    /// It is out of range; the error names both bounds.
    pub(in crate::config) fn in_range<T: TryFrom<u64>>(
        &self,
        value: &Spanned<u64>,
        least: u64,
        most: u64,
    ) -> Result<T, ConfigFileError> {
        self.in_range_of("number", value, least, most)
    }

    /// Returns a number as [`in_range`](Self::in_range) does. The error names it `what`.
    ///
    /// # Errors
    ///
    /// It is out of range; the error names both bounds.
    fn in_range_of<T: TryFrom<u64>>(
        &self,
        what: &str,
        value: &Spanned<u64>,
        least: u64,
        most: u64,
    ) -> Result<T, ConfigFileError> {
        let number = *value.get_ref();
        if (least..=most).contains(&number)
            && let Ok(number) = T::try_from(number)
        {
            return Ok(number);
        }
        let problem = format!("{number} is out of range");
        let remedy = format!("write a {what} from {least} to {most}");
        Err(self.source.at(value, problem, &remedy))
    }

    /// Reads an optional time of 1 to `most` units.
    ///
    /// # Errors
    ///
    /// It is 0 or more than `most`.
    pub(in crate::config) fn time(
        &self,
        value: &Number,
        unit: TimeUnit,
        most: u64,
    ) -> Result<Option<Duration>, ConfigFileError> {
        let Some(value) = value else {
            return Ok(None);
        };
        let (seconds, name) = match unit {
            TimeUnit::Days => (DAY_SECONDS, "number of days"),
            #[cfg(feature = "webhook")]
            TimeUnit::Hours => (60 * 60, "number of hours"),
            TimeUnit::Minutes => (60, "number of minutes"),
            TimeUnit::Seconds => (1, "number of seconds"),
        };
        let number: u64 = self.in_range_of(name, value, 1, most)?;
        Ok(Some(Duration::from_secs(number.saturating_mul(seconds))))
    }
}
