//! Calendar windows: which minute, hour, day or month a moment belongs to.
//!
//! Days and months begin at the first moment of their first day in a time zone. Where clocks are set
//! forward at midnight, that moment is later than 00:00; where a day is left out, its window is empty.
//! So a day has 23 to 25 hours, and every moment belongs to exactly one window.

mod span;

use std::{fmt, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

pub use self::span::{CalendarPeriod, WindowSpan};

/// A period in a time zone.
///
/// # Examples
///
/// The day on which clocks are set back has 25 hours:
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::CalendarWindow;
///
/// let day = CalendarWindow::day("Europe/Berlin")?;
/// // 2026-10-25 12:00 UTC
/// assert_eq!(day.around(Duration::from_secs(1_792_929_600)).seconds(), 25 * 3600);
///
/// let month = CalendarWindow::month("UTC")?;
/// assert_eq!(month.around(Duration::from_secs(1_792_929_600)).seconds(), 31 * 86_400);
/// # Ok::<(), palisade_rate_limit::UnknownTimeZone>(())
/// ```
///
/// Minutes and hours are those of UTC, whatever the zone:
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::{CalendarPeriod, CalendarWindow};
///
/// // Nepal is 5 hours and 45 minutes ahead.
/// let hour = CalendarWindow::in_zone(CalendarPeriod::Hour, "Asia/Kathmandu")?;
/// assert_eq!(hour.around(Duration::from_secs(1_800_000_000)).start() % 3_600, 0);
/// # Ok::<(), palisade_rate_limit::UnknownTimeZone>(())
/// ```
#[derive(Clone, Debug)]
pub struct CalendarWindow {
    /// How long a window is: an hour, a day, or a month. An hour has the same length everywhere;
    /// days and months begin at midnight of the zone.
    period: CalendarPeriod,
    /// The zone whose midnights begin the days and months.
    zone: TimeZone,
}

impl CalendarWindow {
    /// Makes a window in a time zone of the IANA database, such as `Europe/Berlin` or `UTC`.
    ///
    /// The database is that of the system, or the one in this program if the system has none. Minutes
    /// and hours are those of UTC.
    ///
    /// # Errors
    ///
    /// [`UnknownTimeZone`]: there is no zone of this name.
    pub fn in_zone(period: CalendarPeriod, zone: &str) -> Result<Self, UnknownTimeZone> {
        let zone = TimeZone::get(zone).map_err(|_| UnknownTimeZone(zone.into()))?;
        Ok(Self { period, zone })
    }

    /// Makes a window of one day.
    ///
    /// # Errors
    ///
    /// As [`in_zone`](Self::in_zone).
    pub fn day(zone: &str) -> Result<Self, UnknownTimeZone> {
        Self::in_zone(CalendarPeriod::Day, zone)
    }

    /// Makes a window of one month.
    ///
    /// # Errors
    ///
    /// As [`in_zone`](Self::in_zone).
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_rate_limit::CalendarWindow;
    ///
    /// let month = CalendarWindow::month("Asia/Shanghai")?;
    /// // 15 January 2027: the month began on the first, at midnight in Shanghai.
    /// let span = month.around(Duration::from_secs(1_800_000_000));
    /// assert_eq!(span.start(), 1_798_732_800);
    ///
    /// assert!(CalendarWindow::month("Mars/Olympus").is_err());
    /// # Ok::<(), palisade_rate_limit::UnknownTimeZone>(())
    /// ```
    pub fn month(zone: &str) -> Result<Self, UnknownTimeZone> {
        Self::in_zone(CalendarPeriod::Month, zone)
    }

    /// Returns the period.
    #[must_use]
    pub const fn period(&self) -> CalendarPeriod {
        self.period
    }

    /// Returns the window around a moment, given as time since the Unix epoch.
    #[must_use]
    pub fn around(&self, unix_time: Duration) -> WindowSpan {
        let now = unix_time.as_secs();
        let calendar = match self.period {
            CalendarPeriod::Day | CalendarPeriod::Month => self.calendar_window(now),
            CalendarPeriod::Hour | CalendarPeriod::Minute => None,
        };
        // Beyond the calendar, which ends in the year 9999, windows are equally long.
        calendar.unwrap_or_else(|| {
            let length = self.period.about();
            let start = now - now % length;
            WindowSpan::new(self.period, start, start.saturating_add(length))
        })
    }

    /// Returns the days or months around a moment. `None` beyond the calendar.
    fn calendar_window(&self, now: u64) -> Option<WindowSpan> {
        let moment = Timestamp::from_second(i64::try_from(now).ok()?).ok()?;
        let mut first = self.first_day(moment.to_zoned_datetime(self.zone.clone()).date());
        loop {
            let next = self.next_first_day(first)?;
            let (start, end) = (self.begin_of(first)?, self.begin_of(next)?);
            // A clock that is set back over midnight shows the old date again. The new day has begun.
            if now < end {
                return Some(WindowSpan::new(self.period, start, end));
            }
            first = next;
        }
    }

    /// Returns the day on which the window of a date begins: the first of the month, or the day
    /// itself.
    fn first_day(&self, date: Date) -> Date {
        match self.period {
            CalendarPeriod::Month => date.first_of_month(),
            _ => date,
        }
    }

    /// Returns the day on which the next window begins. `None`: the calendar ends there.
    fn next_first_day(&self, first: Date) -> Option<Date> {
        match self.period {
            CalendarPeriod::Month => first.last_of_month().tomorrow().ok(),
            _ => first.tomorrow().ok(),
        }
    }

    /// Returns the first second of a day. Dates before 1970 begin at the epoch.
    fn begin_of(&self, date: Date) -> Option<u64> {
        let begin = date.to_zoned_datetime(self.zone.clone()).ok()?;
        Some(u64::try_from(begin.timestamp().as_second()).unwrap_or(0))
    }
}

/// There is no time zone of this name.
///
/// ```
/// use palisade_rate_limit::CalendarWindow;
///
/// let error = CalendarWindow::day("Europe/Berln").unwrap_err();
/// assert_eq!(error.to_string(), "there is no time zone `Europe/Berln`; write one as `Europe/Berlin` or `UTC`");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownTimeZone(Box<str>);

impl fmt::Display for UnknownTimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(
            f,
            "there is no time zone `{name}`; write one as `Europe/Berlin` or `UTC`"
        )
    }
}

impl std::error::Error for UnknownTimeZone {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// Seconds of a moment that is written as in RFC 3339.
    fn at(moment: &str) -> u64 {
        let moment: Timestamp = moment.parse().unwrap();
        u64::try_from(moment.as_second()).unwrap()
    }

    #[track_caller]
    fn check(period: CalendarPeriod, zone: &str, now: &str, start: &str, end: &str) {
        let window = CalendarWindow::in_zone(period, zone).unwrap();
        let span = window.around(Duration::from_secs(at(now)));
        let expected = WindowSpan::new(period, at(start), at(end));
        assert_eq!(span, expected, "{now} in {zone}");
    }

    #[test]
    fn a_month_ends_at_midnight_of_its_zone() {
        use CalendarPeriod::Month;
        let (start, end) = ("2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z");
        check(Month, "UTC", "2027-02-28T23:59:59Z", start, end);
        check(Month, "UTC", start, start, end);
        check(
            Month,
            "UTC",
            "2028-02-29T12:00:00Z",
            "2028-02-01T00:00:00Z",
            "2028-03-01T00:00:00Z",
        );
        // New York is five hours behind in January, four in April.
        check(
            Month,
            "America/New_York",
            "2027-01-01T04:59:59Z",
            "2026-12-01T05:00:00Z",
            "2027-01-01T05:00:00Z",
        );
        check(
            Month,
            "America/New_York",
            "2027-03-31T20:00:00Z",
            "2027-03-01T05:00:00Z",
            "2027-04-01T04:00:00Z",
        );
        check(
            Month,
            "Pacific/Kiritimati",
            "2026-12-31T10:00:00Z",
            "2026-12-31T10:00:00Z",
            "2027-01-31T10:00:00Z",
        );
    }

    #[test]
    fn days_on_which_clocks_change_have_23_or_25_hours() {
        use CalendarPeriod::Day;
        check(
            Day,
            "Europe/Berlin",
            "2027-03-28T01:30:00Z",
            "2027-03-27T23:00:00Z",
            "2027-03-28T22:00:00Z",
        );
        check(
            Day,
            "Europe/Berlin",
            "2026-10-25T01:30:00Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        );
        // Beirut set its clocks forward at midnight: the day began at 01:00.
        check(
            Day,
            "Asia/Beirut",
            "2022-03-26T22:30:00Z",
            "2022-03-26T22:00:00Z",
            "2022-03-27T21:00:00Z",
        );
        // Samoa left out 30 December 2011.
        check(
            Day,
            "Pacific/Apia",
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        );
    }

    #[test]
    fn minutes_and_hours_are_those_of_utc() {
        check(
            CalendarPeriod::Hour,
            "Asia/Kathmandu",
            "2027-01-01T10:59:59Z",
            "2027-01-01T10:00:00Z",
            "2027-01-01T11:00:00Z",
        );
        check(
            CalendarPeriod::Minute,
            "UTC",
            "2027-01-01T10:59:59Z",
            "2027-01-01T10:59:00Z",
            "2027-01-01T11:00:00Z",
        );
    }

    #[test]
    fn beyond_the_calendar_there_are_windows_too() {
        let window = CalendarWindow::month("UTC").unwrap();
        let span = window.around(Duration::from_secs(u64::MAX));
        assert!(span.start() <= span.end());
    }

    proptest! {
        /// Every moment is in its window, and the windows before and after touch it.
        #[test]
        fn windows_have_no_gap_and_no_overlap(
            now in 0_u64..7_000_000_000,
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Beirut", "Pacific/Apia", "America/Havana", "Antarctica/Troll",
            ]),
            period in prop::sample::select(vec![CalendarPeriod::Day, CalendarPeriod::Month]),
        ) {
            let window = CalendarWindow::in_zone(period, zone).unwrap();
            let span = window.around(Duration::from_secs(now));
            prop_assert!(span.start() <= now && now < span.end(), "{span:?} {now}");
            let next = window.around(Duration::from_secs(span.end()));
            prop_assert_eq!(next.start(), span.end());
            if span.start() > 0 {
                let before = window.around(Duration::from_secs(span.start() - 1));
                prop_assert_eq!(before.end(), span.start());
            }
        }
    }
}
