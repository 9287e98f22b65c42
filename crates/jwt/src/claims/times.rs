//! The dates of a token: `exp`, `nbf` and `iat` (RFC 7519 section 4.1).

use std::time::Duration;

use serde_json::Value;

use crate::{error::InvalidToken, token::json::Object};

/// The end of the year 9999. A later date is malformed.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The dates of a token, as time since the Unix epoch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Times {
    /// `exp`, which every token must have.
    pub(crate) expires: Duration,
    /// `nbf`.
    not_before: Option<Duration>,
    /// `iat`.
    pub(crate) issued: Option<Duration>,
}

impl Times {
    /// Reads the dates.
    ///
    /// # Errors
    ///
    /// `exp` is missing, or one of them is not a date.
    pub(super) fn read(all: &Object) -> Result<Self, InvalidToken> {
        Ok(Self {
            expires: date(all, "exp")?.ok_or(InvalidToken::ClaimMissing("exp"))?,
            not_before: date(all, "nbf")?,
            issued: date(all, "iat")?,
        })
    }

    /// Checks the dates.
    ///
    /// A token expires *at* `exp` (RFC 7519 section 4.1.4): without leeway it is refused in that
    /// second.
    ///
    /// # Errors
    ///
    /// The token has expired, or is not valid yet.
    pub(crate) fn check(&self, now: Duration, leeway: Duration) -> Result<(), InvalidToken> {
        if now >= self.expires + leeway {
            return Err(InvalidToken::Expired);
        }
        self.check_start(now, leeway)
    }

    /// Checks that the token has begun: `nbf` and `iat`.
    ///
    /// # Errors
    ///
    /// The token is not valid yet.
    pub(crate) fn check_start(&self, now: Duration, leeway: Duration) -> Result<(), InvalidToken> {
        let later = now + leeway;
        if self.not_before.is_some_and(|start| start > later) {
            return Err(InvalidToken::NotYetValid);
        }
        if self.issued.is_some_and(|issued| issued > later) {
            return Err(InvalidToken::IssuedInFuture);
        }
        Ok(())
    }

    /// Checks the lifetime: from `iat` to `exp`, or from now to `exp` if the token has no `iat`.
    ///
    /// # Errors
    ///
    /// The lifetime is longer than `longest`.
    pub(crate) fn check_lifetime(
        &self,
        now: Duration,
        leeway: Duration,
        longest: Duration,
    ) -> Result<(), InvalidToken> {
        let start = self.issued.unwrap_or(now + leeway);
        match self.expires.saturating_sub(start) > longest {
            true => Err(InvalidToken::LifetimeTooLong),
            false => Ok(()),
        }
    }
}

/// A NumericDate (RFC 7519 section 2): a JSON number between the epoch and the year 9999, also a
/// fraction.
///
/// # Errors
///
/// The claim is not a number, or is out of range.
pub(crate) fn date(all: &Object, name: &'static str) -> Result<Option<Duration>, InvalidToken> {
    let malformed = InvalidToken::ClaimMalformed(name);
    match all.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (_, Some(seconds)) if !(0.0..=LAST_SECOND).contains(&seconds) => Err(malformed),
            (Some(whole), _) => Ok(Some(Duration::from_secs(whole))),
            (None, Some(seconds)) => Duration::try_from_secs_f64(seconds)
                .map(Some)
                .map_err(|_| malformed),
            (None, None) => Err(malformed),
        },
        Some(_) => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_its_expiry_and_begins_at_its_start() {
        let times = Times {
            expires: Duration::from_secs(100),
            not_before: Some(Duration::from_secs(50)),
            issued: Some(Duration::from_secs(40)),
        };
        let check_at =
            |now, leeway| times.check(Duration::from_secs(now), Duration::from_secs(leeway));
        assert_eq!(check_at(99, 0), Ok(()));
        assert_eq!(check_at(100, 0), Err(InvalidToken::Expired));
        assert_eq!(check_at(129, 30), Ok(()));
        assert_eq!(check_at(130, 30), Err(InvalidToken::Expired));
        assert_eq!(check_at(49, 0), Err(InvalidToken::NotYetValid));
        assert_eq!(check_at(20, 30), Ok(()));
        assert_eq!(check_at(19, 30), Err(InvalidToken::NotYetValid));
        let future = Times {
            not_before: None,
            ..times
        };
        assert_eq!(
            future.check(Duration::from_secs(39), Duration::ZERO),
            Err(InvalidToken::IssuedInFuture)
        );
    }

    /// The moment at which each date begins to count, and the one before.
    #[test]
    fn a_token_is_good_from_the_very_moment_of_its_start() {
        let nanosecond = Duration::from_nanos(1);
        let second = Duration::from_secs(1);
        let times = |not_before: u64, issued: u64| Times {
            expires: Duration::from_secs(100),
            not_before: Some(Duration::from_secs(not_before)),
            issued: Some(Duration::from_secs(issued)),
        };
        let at = Duration::from_secs(50);
        assert_eq!(times(50, 0).check(at, Duration::ZERO), Ok(()));
        assert_eq!(
            times(50, 0).check(at - nanosecond, Duration::ZERO),
            Err(InvalidToken::NotYetValid)
        );
        assert_eq!(times(51, 0).check(at, second), Ok(()));
        assert_eq!(
            times(51, 0).check(at - nanosecond, second),
            Err(InvalidToken::NotYetValid)
        );
        assert_eq!(times(0, 50).check(at, Duration::ZERO), Ok(()));
        assert_eq!(
            times(0, 50).check(at - nanosecond, Duration::ZERO),
            Err(InvalidToken::IssuedInFuture)
        );
        assert_eq!(times(0, 51).check(at, second), Ok(()));
        let end = Duration::from_secs(100);
        assert_eq!(times(0, 0).check(end - nanosecond, Duration::ZERO), Ok(()));
        assert_eq!(
            times(0, 0).check(end, Duration::ZERO),
            Err(InvalidToken::Expired)
        );
        assert_eq!(
            times(0, 0).check(end + second, second),
            Err(InvalidToken::Expired)
        );
    }

    #[test]
    fn the_last_date_is_the_end_of_the_year_9999() {
        let read = |value: serde_json::Value| {
            let all = serde_json::json!({ "exp": value });
            Times::read(all.as_object().unwrap()).map(|times| times.expires)
        };
        assert_eq!(
            read(253_402_300_799_u64.into()),
            Ok(Duration::from_secs(253_402_300_799))
        );
        assert_eq!(read(0.into()), Ok(Duration::ZERO));
        let malformed = Err(InvalidToken::ClaimMalformed("exp"));
        for wrong in [
            253_402_300_800_u64.into(),
            (-1).into(),
            253_402_300_799.5.into(),
        ] {
            assert_eq!(read(wrong), malformed);
        }
    }

    #[test]
    fn a_token_may_live_as_long_as_the_bound_and_not_longer() {
        let seconds = Duration::from_secs;
        let times = |issued| Times {
            expires: seconds(100),
            not_before: None,
            issued,
        };
        let check_at = |issued, now, longest| {
            times(issued).check_lifetime(seconds(now), seconds(5), seconds(longest))
        };
        let too_long = Err(InvalidToken::LifetimeTooLong);
        assert_eq!(check_at(Some(seconds(40)), 99, 60), Ok(()));
        assert_eq!(check_at(Some(seconds(40)), 99, 59), too_long);
        assert_eq!(check_at(None, 35, 60), Ok(()));
        assert_eq!(check_at(None, 34, 60), too_long);
    }
}
