//! Who is refused most: a bounded list for an operator.
//!
//! The algorithm is Space-Saving: a subject that is not in a full list takes the place of the one with the fewest
//! refusals, and its count begins there. Two things are left out so that a flood costs little: 15 of 16 refusals of
//! subjects that are not in a full list, and refusals while another thread counts one. Counts can be too low by these.
//!
//! A subject that was last refused more than a day ago is forgotten: the list holds addresses.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use palisade_core::{Identity, SecurityContext};

use super::{ConfiguredLimit, LayerState, RateLimitLayer, charge::LimitCharges};
use crate::{
    policy::{KeyKind, Subject},
    store::{BucketKey, StoreDecision},
};

/// The subjects of the list.
const LISTED: usize = 128;

/// A subject is forgotten so long after its last refusal.
const KEPT: Duration = Duration::from_secs(86_400);

/// The list is looked through for those so often, at a refusal.
const SWEEP: Duration = Duration::from_secs(3_600);

/// In a full list, one of so many refusals of other subjects takes a place: a flood of new subjects then costs
/// little.
const ADMITTED_EVERY: u32 = 16;

/// A subject that was refused, with how often. From [`RateLimitLayer::most_refused`].
///
/// ```
/// use palisade_rate_limit::RefusedSubject;
///
/// /// One line for an operator.
/// fn describe(refused: &RefusedSubject) -> String {
///     format!("{}: {} refused {} times", refused.limit, refused.subject, refused.refused)
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RefusedSubject {
    /// The name of the limit that refused.
    pub limit: Box<str>,
    /// Whom it counted: `client 203.0.113.7/32`, `api_key:anna`, `owner:acme` or `everyone`. Of a custom key or a
    /// pair, the name of the key and a hash.
    pub subject: Box<str>,
    /// How often it refused this subject since it is in the list. At most `too_high` more than it was; refusals that
    /// threads counted at the same moment can be missing.
    pub refused: u64,
    /// By how much `refused` may be too high.
    pub too_high: u64,
    /// When it refused last, since the Unix epoch.
    pub last: Duration,
}

/// The list of one layer.
#[derive(Default)]
pub(super) struct RefusedSubjects(Mutex<Listed>);

/// The list under its lock.
#[derive(Default)]
struct Listed {
    /// The subjects by the index of the limit and the hash of the bucket.
    subjects: HashMap<(u8, u128), Entry>,
    /// Refusals of subjects that were not in the full list. Every sixteenth of them takes a place.
    others: u32,
    /// When it was last looked through, since the epoch.
    swept: Duration,
}

/// One subject of the list.
struct Entry {
    /// The name for the operator, made when the subject came into the list.
    subject: Box<str>,
    /// How often it was refused, with the count of the subject whose place it took.
    refused: u64,
    /// The count of the subject whose place it took: by so much `refused` may be too high.
    too_high: u64,
    /// When it was last refused, since the Unix epoch.
    last: Duration,
}

impl fmt::Debug for RefusedSubjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of subjects are for the operator who asks.
        f.write_str("RefusedSubjects")
    }
}

impl RefusedSubjects {
    /// Counts a refusal. Skips it while another thread counts one: no request waits for the list.
    fn count(&self, key: (u8, u128), now: Duration, subject: impl FnOnce() -> Box<str>) {
        let mut listed = match self.0.try_lock() {
            Ok(listed) => listed,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) => return,
        };
        listed.sweep(now);
        if let Some(entry) = listed.subjects.get_mut(&key) {
            entry.refused = entry.refused.saturating_add(1);
            entry.last = now;
            return;
        }
        let Some(before) = listed.make_space() else {
            return;
        };
        listed.subjects.insert(
            key,
            Entry {
                subject: subject(),
                refused: before.saturating_add(1),
                too_high: before,
                last: now,
            },
        );
    }
}

impl Listed {
    /// Forgets subjects, if the last time is an hour away, in either direction of the clock.
    fn sweep(&mut self, now: Duration) {
        if now.abs_diff(self.swept) >= SWEEP {
            self.forget(now);
            self.swept = now;
        }
    }

    /// Forgets the subjects that were last refused more than a day ago.
    fn forget(&mut self, now: Duration) {
        self.subjects
            .retain(|_, entry| now.saturating_sub(entry.last) <= KEPT);
    }

    /// Makes space for one subject. Returns the count at which it begins. `None`: it gets none.
    fn make_space(&mut self) -> Option<u64> {
        if self.subjects.len() < LISTED {
            return Some(0);
        }
        self.others = self.others.wrapping_add(1);
        if !self.others.is_multiple_of(ADMITTED_EVERY) {
            return None;
        }
        let fewest = self.subjects.iter().min_by_key(|(_, entry)| entry.refused);
        let (key, refused) = fewest.map(|(key, entry)| (*key, entry.refused))?;
        self.subjects.remove(&key);
        Some(refused)
    }
}

impl LayerState {
    /// Counts the refusals of a decision for the list.
    pub(super) fn count_refusals(
        &self,
        cx: &SecurityContext,
        charges: &LimitCharges,
        decision: &StoreDecision,
    ) {
        let states = charges.list.iter().zip(decision.limit_states());
        for (charge, _) in states.filter(|(_, state)| state.is_refused()) {
            let Some(configured) = self.limits.get(usize::from(charge.id.index)) else {
                continue;
            };
            #[cfg(feature = "metrics")]
            configured.refusals.increment();
            let key = (charge.id.index, charge.bucket.own);
            let name = || name_of(configured, cx, charge.bucket);
            self.refused.count(key, self.clock.unix_time(), name);
        }
    }
}

/// Returns the name of a subject for an operator.
fn name_of(configured: &ConfiguredLimit, cx: &SecurityContext, bucket: BucketKey) -> Box<str> {
    let network = |v4, v6| match cx.client() {
        Some(client) => match Subject::network(client.ip(), v4, v6) {
            Subject::Network { first, prefix } => format!("client {first}/{prefix}"),
            _ => "client".to_owned(),
        },
        None => "client".to_owned(),
    };
    if configured.limit.is_network {
        return match configured.key.network_of(cx) {
            Some(Subject::Network { first, prefix }) => format!("client {first}/{prefix}").into(),
            _ => "client".into(),
        };
    }
    let name = match (&configured.key.0, cx.identity()) {
        (KeyKind::Everyone, _) => "everyone".to_owned(),
        (KeyKind::Owner(_), Identity::Known(who)) if who.owner().is_some() => {
            format!("owner:{}", who.owner().unwrap_or_default())
        }
        (KeyKind::Owner(_) | KeyKind::Principal(_), Identity::Known(who)) => {
            format!("{}:{}", who.kind(), who.id())
        }
        (KeyKind::Client(by) | KeyKind::Owner(by) | KeyKind::Principal(by), _) => {
            network(by.v4, by.v6)
        }
        (KeyKind::Custom { .. } | KeyKind::Pair(..), _) => {
            format!("{} #{:016x}", configured.key, bucket.own >> 64 ^ bucket.own)
        }
    };
    name.into()
}

impl RateLimitLayer {
    /// Returns the subjects that this layer refused most, the most first.
    ///
    /// For an operator: each process has a list of its own, of at most 128 subjects. One that was last refused more
    /// than 24 hours ago is not in it. Counts are exact, except that refusals at the same moment can be missing, and
    /// that a subject that comes into a full list begins with the count of the one that it replaces.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client().policy(Policy::named("all").rate("60/minute")?).build()?;
    /// assert!(layer.most_refused(10).is_empty());
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub fn most_refused(&self, most: usize) -> Vec<RefusedSubject> {
        let listed = self.0.refused.0.lock();
        let mut listed = listed.unwrap_or_else(PoisonError::into_inner);
        listed.forget(self.0.clock.unix_time());
        let refused = |((index, _), entry): (&(u8, u128), &Entry)| {
            let configured = self.0.limits.get(usize::from(*index))?;
            Some(RefusedSubject {
                limit: configured.limit.name.clone(),
                subject: entry.subject.clone(),
                refused: entry.refused,
                too_high: entry.too_high,
                last: entry.last,
            })
        };
        let mut all: Vec<RefusedSubject> = listed.subjects.iter().filter_map(refused).collect();
        drop(listed);
        all.sort_by(|one, other| {
            let key = |refused: &RefusedSubject| {
                (std::cmp::Reverse(refused.refused), refused.subject.clone())
            };
            key(one).cmp(&key(other))
        });
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(subjects: &RefusedSubjects) -> Vec<(String, u64, u64)> {
        let listed = subjects.0.lock().unwrap();
        let mut all: Vec<_> = listed
            .subjects
            .values()
            .map(|entry| (entry.subject.to_string(), entry.refused, entry.too_high))
            .collect();
        all.sort_by_key(|(_, refused, _)| std::cmp::Reverse(*refused));
        all
    }

    #[test]
    fn who_is_refused_no_more_is_forgotten_after_a_day() {
        let subjects = RefusedSubjects::default();
        let count = |id: u128, hours: u64| {
            let at = Duration::from_secs(1_800_000_000 + hours * 3_600);
            subjects.count((0, id), at, || id.to_string().into());
        };
        for (id, hours) in [(1, 0), (2, 0), (2, 1), (3, 24)] {
            count(id, hours);
        }
        assert_eq!(counts(&subjects).len(), 3);
        count(3, 25);
        let named = |(name, refused, _): &(String, u64, u64)| (name.clone(), *refused);
        let mut left: Vec<_> = counts(&subjects).iter().map(named).collect();
        left.sort();
        assert_eq!(left, [("2".to_owned(), 2), ("3".to_owned(), 2)]);
    }

    #[test]
    fn the_list_is_bounded_and_keeps_whom_a_flood_of_others_does_not_reach() {
        let subjects = RefusedSubjects::default();
        let count = |id: u128| {
            subjects.count((0, id), Duration::ZERO, || id.to_string().into());
        };
        for _ in 0..10_000 {
            count(1);
        }
        for id in 1_000..50_000 {
            count(id);
        }
        let all = counts(&subjects);
        assert_eq!(all.len(), LISTED);
        assert_eq!(all[0], ("1".to_owned(), 10_000, 0));
        // A count of a replaced subject is known to be too high by what it began with.
        assert!(all.iter().all(|(_, refused, too_high)| refused > too_high));
        let really = |refused: u64, too_high: u64| refused - too_high;
        assert!(
            all[1..]
                .iter()
                .all(|(_, refused, too_high)| really(*refused, *too_high) == 1)
        );
    }
}
