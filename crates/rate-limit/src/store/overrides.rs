//! Overrides: other amounts that an operator gives to single subjects.
//!
//! A store keeps them beside its buckets, so that every layer over it, and every process over a shared store,
//! sees the same. Requests of other subjects pay one look at a flag.

use std::{
    fmt,
    hash::RandomState,
    num::NonZeroU32,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hashbrown::{Equivalent, HashMap};

use super::{
    BucketKey,
    override_error::{MAX_OVERRIDES, OverrideError},
};
use crate::policy::Limit;

/// Another amount for one subject of one limit, with an optional end.
///
/// The window of the limit stays, and burst and debt change with the amount: an override of 600 for a limit of
/// `60/minute` with a burst of 5 has a burst of 50. It takes precedence over a tier.
/// [`RateLimitLayer::set_override`](crate::RateLimitLayer::set_override) sets it.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use palisade_rate_limit::LimitOverride;
///
/// // 5,000 in each window, until a moment in seconds since the epoch.
/// let amount = NonZeroU32::new(5_000).expect("not zero");
/// let for_a_day = LimitOverride::new(amount).until(Duration::from_secs(1_800_086_400));
/// assert_eq!((for_a_day.amount(), for_a_day.ends()), (amount, Some(Duration::from_secs(1_800_086_400))));
/// ```
///
/// One client of many is slowed down, until an operator removes the override:
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_rate_limit::LimitOverride;
///
/// let one = LimitOverride::new(NonZeroU32::MIN);
/// assert_eq!((one.amount().get(), one.ends()), (1, None));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LimitOverride {
    /// What takes the place of the configured amount, over the same window.
    amount: NonZeroU32,
    /// In whole seconds since the epoch.
    ends: Option<u64>,
}

impl LimitOverride {
    /// Replaces the amount of the limit by this one, for as long as no one removes the override.
    #[must_use]
    pub const fn new(amount: NonZeroU32) -> Self {
        Self { amount, ends: None }
    }

    /// Ends the override at this time since the Unix epoch, in whole seconds. Default: it has no end.
    #[must_use]
    pub const fn until(mut self, unix_time: Duration) -> Self {
        self.ends = Some(unix_time.as_secs());
        self
    }

    /// Returns the units of one window.
    #[must_use]
    pub const fn amount(&self) -> NonZeroU32 {
        self.amount
    }

    /// Returns when it ends, since the Unix epoch. `None`: when it is removed.
    #[must_use]
    pub const fn ends(&self) -> Option<Duration> {
        match self.ends {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => None,
        }
    }

    /// Tells whether it applies at this time since the epoch.
    pub(crate) fn applies(&self, unix_seconds: u64) -> bool {
        self.ends.is_none_or(|ends| unix_seconds < ends)
    }
}

/// The overrides of one store: at most 1,024.
///
/// A custom [`LimitStore`](crate::LimitStore) that supports overrides holds one and returns it from
/// [`overrides`](crate::LimitStore::overrides).
///
/// ```
/// use palisade_rate_limit::LimitOverrides;
///
/// assert_eq!(LimitOverrides::default().len(), 0);
/// ```
#[derive(Default)]
pub struct LimitOverrides {
    /// The overrides under a lock that many requests may read at the same time.
    entries: RwLock<OverrideMap>,
    /// Whether there is any, so that most requests take no lock.
    in_use: AtomicBool,
}

impl fmt::Debug for LimitOverrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitOverrides")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A bucket by its subject, and by the name and the window of its limit: an amount means nothing under another window.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct OverrideName {
    /// The hash of the subject.
    pub(crate) bucket: u128,
    /// The name of the limit, as in header fields.
    pub(crate) limit: Box<str>,
    /// In seconds.
    pub(crate) window: u64,
}

/// The same, borrowed: a request that looks for its override allocates nothing.
#[derive(Hash)]
struct BorrowedName<'a> {
    /// As in [`OverrideName`].
    bucket: u128,
    /// As in [`OverrideName`], without a copy.
    limit: &'a str,
    /// In seconds.
    window: u64,
}

impl Equivalent<OverrideName> for BorrowedName<'_> {
    fn equivalent(&self, name: &OverrideName) -> bool {
        (self.bucket, self.limit, self.window) == (name.bucket, &*name.limit, name.window)
    }
}

impl OverrideName {
    /// Names the override of a limit for one subject.
    pub(crate) fn of(limit: &Limit, bucket: BucketKey) -> Self {
        Self {
            bucket: bucket.own,
            limit: limit.name.clone(),
            window: limit.rate.window().as_secs(),
        }
    }
}

/// Overrides by their bucket.
pub(crate) type OverrideMap = HashMap<OverrideName, LimitOverride, RandomState>;

impl LimitOverrides {
    /// Returns how many there are, with those that have ended and were not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read(HashMap::len)
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.in_use()
    }

    /// Tells whether any subject has an override.
    pub(crate) fn in_use(&self) -> bool {
        self.in_use.load(Ordering::Acquire)
    }

    /// Finds the override of a subject that applies now.
    pub(crate) fn find(
        &self,
        limit: &Limit,
        bucket: BucketKey,
        unix_time: impl FnOnce() -> Duration,
    ) -> Option<LimitOverride> {
        if !self.in_use() {
            return None;
        }
        let name = BorrowedName {
            bucket: bucket.own,
            limit: &limit.name,
            window: limit.rate.window().as_secs(),
        };
        let found = self.read(|entries| entries.get(&name).copied())?;
        found.applies(unix_time().as_secs()).then_some(found)
    }

    /// Sets or removes one.
    ///
    /// # Errors
    ///
    /// [`OverrideError::TooMany`] if there is no space, also without those that have ended.
    pub(crate) fn change(
        &self,
        name: OverrideName,
        value: Option<LimitOverride>,
        unix_time: Duration,
    ) -> Result<(), OverrideError> {
        let now = unix_time.as_secs();
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.applies(now));
        match value {
            None => drop(entries.remove(&name)),
            Some(_) if entries.len() >= MAX_OVERRIDES && !entries.contains_key(&name) => {
                return Err(OverrideError::TooMany);
            }
            Some(value) => drop(entries.insert(name, value)),
        }
        self.in_use.store(!entries.is_empty(), Ordering::Release);
        Ok(())
    }

    /// Replaces all by those that a shared store or a file has. Returns whether anything changed.
    pub(crate) fn replace(&self, new: OverrideMap) -> bool {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *entries != new;
        *entries = new;
        self.in_use.store(!entries.is_empty(), Ordering::Release);
        changed
    }

    /// Passes all of them to a function.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&OverrideMap) -> T) -> T {
        read(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes overrides as text: a line for each, with bucket, limit, window, amount and end (`-` for none).
pub(crate) fn to_text(entries: &OverrideMap) -> String {
    let mut text = String::new();
    for (name, value) in entries {
        text += &to_line(name, *value);
        text.push('\n');
    }
    text
}

/// Writes one override.
pub(crate) fn to_line(name: &OverrideName, value: LimitOverride) -> String {
    let OverrideName {
        bucket,
        limit,
        window,
    } = name;
    let ends = value
        .ends
        .map_or_else(|| "-".to_owned(), |ends| ends.to_string());
    format!("{bucket:032x}:{limit}:{window} {} {ends}", value.amount)
}

/// Reads what [`to_text`] wrote. Lines that it cannot have written are left out, and so are those beyond the most.
pub(crate) fn from_text(text: &str) -> OverrideMap {
    text.lines()
        .filter_map(read_line)
        .take(MAX_OVERRIDES)
        .collect()
}

fn read_line(line: &str) -> Option<(OverrideName, LimitOverride)> {
    let mut words = line.split(' ');
    let (name, amount, ends) = (words.next()?, words.next()?, words.next()?);
    let (bucket, limit) = name.split_once(':')?;
    let (limit, window) = limit.rsplit_once(':')?;
    if words.next().is_some() || bucket.len() != 32 || limit.is_empty() {
        return None;
    }
    let name = OverrideName {
        bucket: u128::from_str_radix(bucket, 16).ok()?,
        limit: limit.into(),
        window: window.parse().ok()?,
    };
    let value = LimitOverride {
        amount: amount.parse().ok()?,
        ends: match ends {
            "-" => None,
            seconds => Some(seconds.parse().ok()?),
        },
    };
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(bucket: u128) -> OverrideName {
        OverrideName {
            bucket,
            limit: "tts-day".into(),
            window: 86_400,
        }
    }

    fn amount(units: u32) -> LimitOverride {
        LimitOverride::new(NonZeroU32::new(units).unwrap())
    }

    #[test]
    fn the_number_of_overrides_is_bounded_and_ended_ones_make_space() {
        let overrides = LimitOverrides::default();
        let seconds = Duration::from_secs;
        for bucket in 0..MAX_OVERRIDES as u128 {
            let value = amount(5).until(seconds(100));
            overrides
                .change(name(bucket), Some(value), seconds(50))
                .unwrap();
        }
        let more = |at| overrides.change(name(1 << 64), Some(amount(5)), seconds(at));
        assert_eq!(more(99), Err(OverrideError::TooMany));
        let known = overrides.change(name(1), Some(amount(6)), seconds(99));
        assert_eq!(known, Ok(()), "one that exists can be changed");
        assert_eq!(more(100), Ok(()));
        assert_eq!(overrides.len(), 2);
        for bucket in [1, 1 << 64] {
            overrides.change(name(bucket), None, seconds(100)).unwrap();
        }
        assert!(overrides.is_empty());
    }

    #[test]
    fn lines_that_were_not_written_here_are_left_out() {
        let good = to_line(&name(7), amount(5));
        for wrong in [
            "",
            "x",
            &good[1..],
            &good.replace(" 5 ", " 0 "),
            &good.replace(" 5 ", " 4294967296 "),
            &good.replace(" -", " -1"),
            &good.replace(":86400", ""),
            &format!("{good} 1"),
            &good.replace("tts-day", ""),
        ] {
            assert_eq!(from_text(&format!("{wrong}\n{good}")).len(), 1, "{wrong:?}");
        }
        let all: String = (0..2_000)
            .map(|n| to_line(&name(n), amount(1)) + "\n")
            .collect();
        assert_eq!(from_text(&all).len(), MAX_OVERRIDES);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            bucket in any::<u128>(), limit in "[a-zA-Z0-9._-]{1,48}",
            units in 1..=u32::MAX, ends in proptest::option::of(any::<u64>()), window in any::<u64>(),
        ) {
            let name = OverrideName { bucket, limit: limit.into(), window };
            let value = LimitOverride { amount: NonZeroU32::new(units).unwrap(), ends };
            let entries = OverrideMap::from_iter([(name, value)]);
            prop_assert_eq!(from_text(&to_text(&entries)), entries);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            from_text(&text);
        }
    }
}
