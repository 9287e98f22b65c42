//! When a certificate is renewed: by its life, or by the window that the authority suggests
//! (ARI, RFC 9773).
//!
//! All functions are pure: the clock, the certificate and the window are arguments.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use time::OffsetDateTime;

use crate::tls::certificates::{Fingerprint, Loaded};

/// The part of its life after which a certificate is renewed at the earliest, and how much later
/// at most. So renewal starts before two thirds, with a third of the life left for failures.
const EARLIEST: f64 = 0.60;
const SPREAD: f64 = 0.06;

/// The shortest and the longest time between two requests for the suggested window. The authority
/// chooses within them, by `Retry-After` (RFC 9773, section 4.3).
const SHORTEST_POLL: Duration = Duration::from_secs(60);
const LONGEST_POLL: Duration = Duration::from_secs(24 * 60 * 60);

/// The time until the next request if the window cannot be read.
pub(super) const POLL_AFTER_FAILURE: Duration = Duration::from_secs(6 * 60 * 60);

/// Returns a number from 0 up to 1 that looks random and is always the same for the same bytes.
///
/// Processes that share a cache agree on it, and so do the runs of one process.
///
/// Not for secrets: everyone who has the certificate can compute it.
pub(super) fn jitter(seed: &[u8]) -> f64 {
    let digest = digest(&SHA256, seed);
    let first = digest.as_ref().iter().take(4);
    let number = first.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

/// Returns when a certificate is to be renewed by its life: between 60 % and 66 % of it.
///
/// For 90 days that is day 54 to 59; for 6 days, 86 to 95 hours. A share of the life is right for
/// both, a fixed number of days would not be.
pub(super) fn by_life(certificate: &Loaded) -> Duration {
    let life = certificate.not_after.saturating_sub(certificate.not_before);
    let seed = certificate.fingerprint.to_string();
    let part = EARLIEST + SPREAD * jitter(seed.as_bytes());
    certificate.not_before + life.mul_f64(part)
}

/// What the authority suggested for a certificate, or that nothing is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suggestion {
    /// The certificate that it is for.
    certificate: Fingerprint,
    /// A time chosen within the window. `None` if the authority suggests none.
    renew_at: Option<Duration>,
    /// When the window is requested again.
    poll_at: Duration,
}

impl Suggestion {
    /// Chooses a time within a window. The same certificate always gets the same time.
    ///
    /// The next request for the window is after `poll_after`, at least a minute and at most a day.
    /// A window that ends before it starts gives its start.
    pub(super) fn within(
        certificate: Fingerprint,
        (start, end): (OffsetDateTime, OffsetDateTime),
        poll_after: Duration,
        now: Duration,
    ) -> Self {
        let seconds = |time: OffsetDateTime| {
            Duration::from_secs(u64::try_from(time.unix_timestamp()).unwrap_or_default())
        };
        let (start, end) = (seconds(start), seconds(end));
        let seed = format!("{certificate} {} {}", start.as_secs(), end.as_secs());
        let window = end.saturating_sub(start);
        Self {
            certificate,
            renew_at: Some(start + window.mul_f64(jitter(seed.as_bytes()))),
            poll_at: now + poll_after.clamp(SHORTEST_POLL, LONGEST_POLL),
        }
    }

    /// Records that there is no window, or that it cannot be read.
    ///
    /// For an authority that does not support renewal information, and after an error.
    pub(super) fn none(certificate: Fingerprint, poll_after: Duration, now: Duration) -> Self {
        Self {
            certificate,
            renew_at: None,
            poll_at: now + poll_after,
        }
    }

    /// Returns whether the window of a certificate must be requested: it is of another
    /// certificate, or old. A poll time far ahead is of a clock that was set back.
    pub(super) fn is_old(&self, certificate: Fingerprint, now: Duration) -> bool {
        let wait = self.poll_at.saturating_sub(now);
        self.certificate != certificate || wait.is_zero() || wait > LONGEST_POLL
    }

    /// Returns when to renew by this suggestion, if it has a time.
    pub(super) fn renew_at(&self) -> Option<Duration> {
        self.renew_at
    }

    /// Keeps the time of an older suggestion for the same certificate. For a failed request.
    pub(super) fn or_older(mut self, older: Option<&Self>) -> Self {
        let same = older.filter(|older| older.certificate == self.certificate);
        self.renew_at = self.renew_at.or(same.and_then(Self::renew_at));
        self
    }
}

/// Returns when to renew: the earlier of both. A suggestion can move renewal earlier (before a
/// revocation, for example), but never beyond two thirds of the life.
pub(super) fn renew_at(certificate: &Loaded, suggestion: Option<&Suggestion>) -> Duration {
    let by_life = by_life(certificate);
    let suggested = suggestion
        .filter(|suggestion| suggestion.certificate == certificate.fingerprint)
        .and_then(Suggestion::renew_at);
    suggested.map_or(by_life, |suggested| suggested.min(by_life))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    /// A certificate that is valid for 90 days, another one each time.
    fn certificate() -> Loaded {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2030, 1, 1);
        params.not_after = date_time_ymd(2030, 4, 1);
        let chain = params.self_signed(&key).unwrap().pem();
        let key = key.serialize_pem();
        Loaded::parse(Path::new("test"), chain.as_bytes(), key.as_bytes()).unwrap()
    }

    #[test]
    fn renewal_comes_before_two_thirds_of_the_life_at_different_times() {
        let mut times = Vec::new();
        for _ in 0..20 {
            let certificate = certificate();
            let after = by_life(&certificate) - certificate.not_before;
            assert!((54 * DAY..60 * DAY).contains(&after.as_secs()), "{after:?}");
            assert_eq!(by_life(&certificate) - certificate.not_before, after);
            times.push(after);
        }
        times.sort_unstable();
        times.dedup();
        assert!(times.len() > 15, "{times:?}");
    }

    fn suggestion(certificate: &Loaded, from: u64, to: u64) -> Suggestion {
        let time = |day: u64| {
            let seconds = certificate.not_before.as_secs() + day * DAY;
            OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap()
        };
        let now = certificate.not_before;
        let poll = Duration::from_secs(6 * 60 * 60);
        Suggestion::within(certificate.fingerprint, (time(from), time(to)), poll, now)
    }

    #[test]
    fn the_authority_moves_renewal_earlier_but_not_later() {
        let certificate = certificate();
        let early = suggestion(&certificate, 3, 5);
        let days = |at: Duration| (at - certificate.not_before).as_secs() / DAY;
        assert!((3..5).contains(&days(renew_at(&certificate, Some(&early)))));
        let late = suggestion(&certificate, 80, 85);
        assert_eq!(renew_at(&certificate, Some(&late)), by_life(&certificate));
        let past = suggestion(&certificate, 0, 0);
        assert_eq!(renew_at(&certificate, Some(&past)), certificate.not_before);
    }

    #[test]
    fn a_suggestion_is_for_one_certificate() {
        let (one, other) = (certificate(), certificate());
        let early = suggestion(&one, 3, 5);
        assert_eq!(renew_at(&other, Some(&early)), by_life(&other));
        assert!(early.is_old(other.fingerprint, one.not_before));
        let kept = Suggestion::none(one.fingerprint, POLL_AFTER_FAILURE, one.not_before);
        assert_eq!(kept.or_older(Some(&early)).renew_at(), early.renew_at());
        let new = Suggestion::none(other.fingerprint, POLL_AFTER_FAILURE, one.not_before);
        assert_eq!(new.or_older(Some(&early)).renew_at(), None);
    }

    #[test]
    fn the_window_is_requested_again_when_the_authority_said() {
        let certificate = certificate();
        let suggestion = suggestion(&certificate, 50, 55);
        let start = certificate.not_before;
        let hours = |hours: u64| start + Duration::from_secs(hours * 60 * 60);
        assert!(!suggestion.is_old(certificate.fingerprint, hours(5)));
        assert!(suggestion.is_old(certificate.fingerprint, hours(6)));
        // The clock was set back by a year.
        let back = start - Duration::from_secs(365 * DAY);
        assert!(suggestion.is_old(certificate.fingerprint, back));
    }
}
