//! The periods of a calendar, and one window of a period.

/// How long a budget lasts.
///
/// ```
/// use palisade_rate_limit::CalendarPeriod;
///
/// // As a configuration file names it.
/// assert_eq!(CalendarPeriod::named("month"), Some(CalendarPeriod::Month));
/// assert_eq!(CalendarPeriod::named("fortnight"), None);
/// assert_eq!(CalendarPeriod::Day.name(), "day");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CalendarPeriod {
    /// A calendar day of a time zone.
    Day,
    /// Sixty minutes of UTC.
    Hour,
    /// Sixty seconds of UTC.
    Minute,
    /// A calendar month of a time zone.
    Month,
}

impl CalendarPeriod {
    /// All periods with their names, the shortest first.
    const ALL: [(&'static str, Self); 4] = [
        ("minute", Self::Minute),
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("month", Self::Month),
    ];

    /// Finds a period by its name: `minute`, `hour`, `day` or `month`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, period)| *period)
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Month => "month",
        }
    }

    /// Returns seconds that are typical, where the calendar cannot tell.
    pub(super) const fn about(self) -> u64 {
        match self {
            Self::Day => 86_400,
            Self::Hour => 3_600,
            Self::Minute => 60,
            Self::Month => 30 * 86_400,
        }
    }
}

/// One window of time: from its first second to the first one of the next window.
///
/// [`CalendarWindow::around`](crate::CalendarWindow::around) returns it. A custom store makes one of what it read back:
///
/// ```
/// use palisade_rate_limit::{CalendarPeriod, WindowSpan};
///
/// let hour = WindowSpan::new(CalendarPeriod::Hour, 1_800_000_000, 1_800_003_600);
/// assert_eq!((hour.period(), hour.seconds()), (CalendarPeriod::Hour, 3_600));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct WindowSpan {
    /// Which kind of window it is. Two windows with the same bounds and another period are two
    /// counters.
    period: CalendarPeriod,
    /// The first second, since the Unix epoch.
    start: u64,
    /// The first second of the next window, since the Unix epoch.
    end: u64,
}

impl WindowSpan {
    /// Makes a window from `start` to `end`, in seconds since the Unix epoch.
    #[must_use]
    pub const fn new(period: CalendarPeriod, start: u64, end: u64) -> Self {
        Self { period, start, end }
    }

    /// Returns the period.
    #[must_use]
    pub const fn period(&self) -> CalendarPeriod {
        self.period
    }

    /// Returns its first second, since the Unix epoch.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Returns the first second after it, since the Unix epoch.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Returns how long it lasts, in seconds.
    #[must_use]
    pub const fn seconds(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Returns whether a counter of this window can be forgotten when `now` has come: one more window
    /// has passed.
    pub(in crate::budget) const fn is_over_at(&self, now: u64) -> bool {
        self.end.saturating_add(self.seconds()) <= now
    }
}
