//! Past attempts, so that no restart and no second process exceeds a limit of the authority.
//!
//! Stored in the cache as JSON. All functions are pure: the caller reads and writes the file while
//! it has the lock.
//!
//! Authorities limit orders and failed validations by the account and by the name, over hours and
//! days. A service that restarts in a loop would exceed them within minutes, and could then get no
//! certificate for a week. So attempts are counted on disk, and not in memory.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::renewal::jitter;

/// The period in which failed validations are counted, in seconds.
const HOUR: u64 = 60 * 60;

/// The most failed validations of a name in an hour. Let's Encrypt blocks a name at five.
pub(super) const MAX_FAILED_VALIDATIONS: usize = 4;

/// The wait after the first failure, in seconds. It doubles with each further one.
const FIRST_WAIT: u64 = 60;

/// The longest wait without a `Retry-After`, in seconds.
const LONGEST_WAIT: u64 = 6 * HOUR;

/// The longest wait that is believed, in seconds. The wait of the weekly limits of Let's Encrypt is
/// shorter; a longer one means that the clock was set back.
const MAX_WAIT: u64 = 7 * 24 * HOUR;

/// The shortest time between two certificates for the same names, in seconds. A quarter of the life, if that is less.
const AFTER_SUCCESS: u64 = HOUR;

/// The wait after a success for certificates with the shortest life, in seconds.
const LEAST_AFTER_SUCCESS: u64 = 60;

/// The attempts at one authority.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct History {
    /// When validations of a name failed, in seconds since the Unix epoch. Older ones than an hour
    /// are removed.
    failed_validations: BTreeMap<String, Vec<u64>>,
    /// By the identifier of the certificate.
    certificates: BTreeMap<String, Attempts>,
}

/// The attempts for one set of names.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Attempts {
    /// Failures since the last success, including an attempt that has not ended.
    pub(super) failures: u32,
    /// No attempt is made earlier, in seconds since the Unix epoch.
    pub(super) next_attempt: u64,
    /// The last problem, for `palisade cert show`.
    pub(super) problem: Option<String>,
}

impl History {
    /// The history that is assumed if the file cannot be read: one more failure of a name is
    /// allowed within the hour.
    pub(super) fn unknown(domains: &[String], now: Duration) -> Self {
        let failures = vec![now.as_secs(); MAX_FAILED_VALIDATIONS - 1];
        let failed = |domain: &String| (domain.clone(), failures.clone());
        Self {
            failed_validations: domains.iter().map(failed).collect(),
            certificates: BTreeMap::new(),
        }
    }

    /// Returns the attempts for a certificate.
    ///
    /// A certificate without attempts has no failures and need not wait.
    pub(super) fn attempts(&self, certificate: &str) -> Attempts {
        self.certificates
            .get(certificate)
            .cloned()
            .unwrap_or_default()
    }

    /// Returns until when no attempt may be made, or `None` if one may be made now.
    ///
    /// The later of two times: the wait of this certificate, and the time at which each of its names may
    /// fail once more. A time more than seven days ahead is ignored: the clock was set back since.
    pub(super) fn blocked_until(
        &self,
        certificate: &str,
        domains: &[String],
        now: Duration,
    ) -> Option<Duration> {
        let now = now.as_secs();
        let attempts = self.certificates.get(certificate);
        let waits = attempts.map(|attempts| attempts.next_attempt).into_iter();
        let validations = domains
            .iter()
            .filter_map(|domain| self.free_at(domain, now));
        let until = waits.chain(validations).max()?;
        let is_waiting = until > now && until - now <= MAX_WAIT;
        is_waiting.then(|| Duration::from_secs(until))
    }

    /// Returns when a name has fewer failed validations than allowed; `None` if it has now.
    ///
    /// With four failures in the last hour, that is one hour after the first of them.
    fn free_at(&self, domain: &str, now: u64) -> Option<u64> {
        let failed = self.failed_validations.get(domain)?;
        let mut recent: Vec<u64> = failed
            .iter()
            .copied()
            .filter(|at| is_recent(*at, now))
            .collect();
        recent.sort_unstable();
        let excess = recent.len().checked_sub(MAX_FAILED_VALIDATIONS)?;
        recent.get(excess).map(|at| at + HOUR)
    }

    /// Records an attempt before it is made, as if it had failed: a process that crashes in it
    /// waits as well.
    ///
    /// Failures that are older than an hour are removed here, so that the file does not grow.
    pub(super) fn begin(&mut self, certificate: &str, now: Duration) {
        let now = now.as_secs();
        for failed in self.failed_validations.values_mut() {
            failed.retain(|at| is_recent(*at, now));
        }
        self.failed_validations
            .retain(|_, failed| !failed.is_empty());
        let attempts = self.certificates.entry(certificate.to_owned()).or_default();
        attempts.failures = attempts.failures.saturating_add(1);
        attempts.next_attempt = now + wait_after(attempts.failures, certificate, now);
    }

    /// Records that a certificate was issued.
    ///
    /// The next attempt is an hour later at the earliest, or after a quarter of the `life` of the certificate. It
    /// protects against a certificate that is due at once, for example with a wrong clock: each start would order
    /// another one.
    pub(super) fn succeed(&mut self, certificate: &str, life: Duration, now: Duration) {
        let wait = (life.as_secs() / 4).clamp(LEAST_AFTER_SUCCESS, AFTER_SUCCESS);
        let attempts = Attempts {
            failures: 0,
            next_attempt: now.as_secs() + wait,
            problem: None,
        };
        self.certificates.insert(certificate.to_owned(), attempts);
    }

    /// Records a failure, the names that failed, and the wait that the authority asked for.
    ///
    /// `begin` has counted the attempt. The wait becomes longer if the authority asked for more, at most
    /// seven days, and never shorter.
    pub(super) fn fail<'a>(
        &mut self,
        certificate: &str,
        names: impl Iterator<Item = &'a str>,
        retry_after: Option<Duration>,
        problem: String,
        now: Duration,
    ) {
        let now = now.as_secs();
        for name in names {
            let failed = self.failed_validations.entry(name.to_owned());
            failed.or_default().push(now);
        }
        let attempts = self.certificates.entry(certificate.to_owned()).or_default();
        let asked = retry_after.map_or(0, |wait| wait.as_secs().min(MAX_WAIT));
        attempts.next_attempt = attempts.next_attempt.max(now + asked);
        attempts.problem = Some(problem);
    }
}

/// Returns whether a time is less than an hour away. Times in the future are of a clock that was
/// set back: they count for at most another hour.
fn is_recent(at: u64, now: u64) -> bool {
    at.abs_diff(now) < HOUR
}

/// Returns the wait after so many failures: one minute, doubled each time, at most six hours, and
/// up to half of it on top by chance.
///
/// The addition is computed from the certificate, the number and the time, so that services with the
/// same fault do not return to the authority together.
fn wait_after(failures: u32, certificate: &str, now: u64) -> u64 {
    let doubled = FIRST_WAIT << failures.saturating_sub(1).min(16);
    let wait = doubled.min(LONGEST_WAIT);
    let seed = format!("{certificate} {failures} {now}");
    wait + (wait as f64 / 2.0 * jitter(seed.as_bytes())) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 1] = ["a.example"];

    fn domains() -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_700_000_000 + seconds)
    }

    /// Attempts as often as allowed, with a look every 30 seconds. Returns the times of the
    /// attempts.
    fn attempt_for(hours: u64, is_validation: bool) -> Vec<u64> {
        let (mut history, mut times) = (History::default(), Vec::new());
        for second in (0..hours * HOUR).step_by(30) {
            if history.blocked_until("a", &domains(), at(second)).is_some() {
                continue;
            }
            history.begin("a", at(second));
            let names = NAMES.into_iter().filter(|_| is_validation);
            history.fail("a", names, None, "no".to_owned(), at(second));
            times.push(second);
        }
        times
    }

    fn most_in_an_hour(times: &[u64]) -> usize {
        let from = |start: u64| {
            times
                .iter()
                .filter(move |at| (start..start + HOUR).contains(*at))
        };
        times
            .iter()
            .map(|start| from(*start).count())
            .max()
            .unwrap()
    }

    #[test]
    fn failures_are_retried_less_and_less_often() {
        let times = attempt_for(48, false);
        assert!(most_in_an_hour(&times) < 10, "{times:?}");
        let (last, rest) = times.split_last().unwrap();
        assert!(last - rest.last().unwrap() >= LONGEST_WAIT, "{times:?}");
        assert!(last - rest.last().unwrap() <= LONGEST_WAIT * 3 / 2 + 30);
    }

    #[test]
    fn a_name_never_fails_more_than_four_times_in_an_hour() {
        assert!(most_in_an_hour(&attempt_for(48, true)) <= MAX_FAILED_VALIDATIONS);
        // Even if every attempt is for other names too, so that no wait of its own holds it back.
        let (mut history, mut times) = (History::default(), Vec::new());
        for second in (0..3 * HOUR).step_by(30) {
            let certificate = second.to_string();
            let blocked = history.blocked_until(&certificate, &domains(), at(second));
            if blocked.is_none() {
                history.begin(&certificate, at(second));
                let names = NAMES.into_iter();
                history.fail(&certificate, names, None, String::new(), at(second));
                times.push(second);
            }
        }
        assert_eq!(most_in_an_hour(&times), MAX_FAILED_VALIDATIONS, "{times:?}");
    }

    #[test]
    fn a_lost_history_allows_one_failure() {
        let mut history = History::unknown(&domains(), at(0));
        assert_eq!(history.blocked_until("a", &domains(), at(0)), None);
        history.fail("b", NAMES.into_iter(), None, String::new(), at(0));
        let free = history.blocked_until("a", &domains(), at(1));
        assert_eq!(free, Some(at(HOUR)));
        assert_eq!(history.blocked_until("a", &domains(), at(HOUR)), None);
    }

    #[test]
    fn the_wait_of_the_authority_is_obeyed() {
        let mut history = History::default();
        history.begin("a", at(0));
        let wait = Some(Duration::from_secs(30 * HOUR));
        history.fail("a", [].into_iter(), wait, String::new(), at(0));
        let until = |second| history.blocked_until("a", &domains(), at(second));
        assert_eq!(until(30 * HOUR - 1), Some(at(30 * HOUR)));
        assert_eq!(until(30 * HOUR), None);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_block_for_ever() {
        let mut history = History::default();
        history.begin("a", at(10_000_000));
        history.fail("a", NAMES.into_iter(), None, String::new(), at(10_000_000));
        assert_eq!(history.blocked_until("a", &domains(), at(0)), None);
    }

    #[test]
    fn an_attempt_that_never_ended_counts_as_a_failure() {
        let mut history = History::default();
        history.begin("a", at(0));
        assert!(history.blocked_until("a", &domains(), at(30)).is_some());
        history.begin("a", at(100));
        assert!(history.blocked_until("a", &domains(), at(219)).is_some());
        assert_eq!(history.attempts("a").failures, 2);
    }

    #[test]
    fn a_success_ends_the_waiting_but_not_within_the_hour() {
        let mut history = History::default();
        history.begin("a", at(0));
        history.succeed("a", Duration::from_secs(6 * 24 * HOUR), at(5));
        assert_eq!(history.attempts("a").failures, 0);
        assert!(history.blocked_until("a", &domains(), at(HOUR)).is_some());
        assert_eq!(history.blocked_until("a", &domains(), at(HOUR + 5)), None);
    }

    #[test]
    fn a_certificate_of_half_an_hour_can_be_renewed_before_it_ends() {
        for (life, wait) in [(30 * 60, 450), (60, 60), (0, 60), (4 * HOUR, HOUR)] {
            let mut history = History::default();
            history.succeed("a", Duration::from_secs(life), at(0));
            let until = history.blocked_until("a", &domains(), at(1));
            assert_eq!(until, Some(at(wait)), "{life}");
        }
    }
}
