//! The limits that a principal brings along: other amounts for some policies.
//!
//! Authenticators read them from a key or a token with [`OwnLimits::checked`];
//! [`Principal::own_limits`](crate::Principal::own_limits) returns them to rate limits.

use std::{fmt, num::NonZeroU32};

/// The longest name of a limit, as policies have them.
const LONGEST_NAME: usize = 64;

/// Amounts of a principal's own for named limits: at most [eight](Self::MOST).
///
/// A name is that of a policy, or of one of its limits where it has several rates (`api-day`). What an amount may
/// change is decided by the policy: a lower one always applies, a higher one only as far as the policy allows.
///
/// ```
/// use palisade_core::{OwnLimits, Principal};
///
/// let own = OwnLimits::checked([("speech", 500), ("api-day", 20_000)])?;
/// let who = Principal::builder("api_key", "team-voice").own_limits(own).build();
/// assert_eq!(who.own_limits().amount("speech").map(u32::from), Some(500));
/// assert_eq!(who.own_limits().amount("search"), None);
/// # Ok::<(), palisade_core::OwnLimitsError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OwnLimits(Box<[(Box<str>, NonZeroU32)]>);

impl OwnLimits {
    /// The most that one principal has. They are compared by name for each request.
    pub const MOST: usize = 8;

    /// Takes names with their amounts.
    ///
    /// # Errors
    ///
    /// [`OwnLimitsError`] if there are more than eight, an amount is 0, a name occurs twice, or a name is not 1 to 64
    /// ASCII letters, digits, `-`, `_` or `.`. Refuse the credential then: an amount that is left out could be a
    /// restriction.
    ///
    /// ```
    /// use palisade_core::{OwnLimits, OwnLimitsError};
    ///
    /// assert_eq!(OwnLimits::checked([("speech", 0)]), Err(OwnLimitsError::Zero));
    /// assert_eq!(OwnLimits::checked([("a", 1), ("a", 2)]), Err(OwnLimitsError::Twice));
    /// ```
    pub fn checked<N: Into<Box<str>>>(
        limits: impl IntoIterator<Item = (N, u32)>,
    ) -> Result<Self, OwnLimitsError> {
        let mut checked: Vec<(Box<str>, NonZeroU32)> = Vec::new();
        for (name, amount) in limits {
            let name = name.into();
            if !is_name(&name) {
                return Err(OwnLimitsError::InvalidName);
            }
            if checked.iter().any(|(known, _)| *known == name) {
                return Err(OwnLimitsError::Twice);
            }
            if checked.len() >= Self::MOST {
                return Err(OwnLimitsError::TooMany);
            }
            let amount = NonZeroU32::new(amount).ok_or(OwnLimitsError::Zero)?;
            checked.push((name, amount));
        }
        Ok(Self(checked.into()))
    }

    /// Returns the amount for a limit of this name. `None`: the principal brings none.
    #[must_use]
    pub fn amount(&self, name: &str) -> Option<NonZeroU32> {
        let found = self.0.iter().find(|(known, _)| **known == *name);
        found.map(|(_, amount)| *amount)
    }

    /// Returns all of them, in the order in which they were given.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, NonZeroU32)> {
        self.0.iter().map(|(name, amount)| (&**name, *amount))
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tells whether a policy or one of its limits can have this name.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

/// Why amounts cannot be [`OwnLimits`]. The text holds nothing of what was read.
///
/// ```
/// use palisade_core::{OwnLimits, OwnLimitsError};
///
/// let many = (0..9).map(|n| (format!("limit-{n}"), 5));
/// let error = OwnLimits::checked(many).unwrap_err();
/// assert_eq!(error, OwnLimitsError::TooMany);
/// assert_eq!(error.to_string(), "there are more than eight limits; leave some out");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OwnLimitsError {
    /// A name is not 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
    InvalidName,
    /// There are more than [`OwnLimits::MOST`].
    TooMany,
    /// One name occurs twice.
    Twice,
    /// An amount is 0, which would refuse every request. Revoke the credential instead.
    Zero,
}

impl fmt::Display for OwnLimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidName => {
                "the name of a limit is 1 to 64 ASCII letters, digits, `-`, `_` or `.`"
            }
            Self::TooMany => "there are more than eight limits; leave some out",
            Self::Twice => "a limit has two amounts; remove one",
            Self::Zero => {
                "an amount of 0 would refuse every request; use 1 or more, or revoke the credential"
            }
        })
    }
}

impl std::error::Error for OwnLimitsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_limit_has_are_refused() {
        let long = "x".repeat(LONGEST_NAME + 1);
        for name in ["", "a b", "a:b", "a\r\nb", "größe", &long] {
            let checked = OwnLimits::checked([(name, 5)]);
            assert_eq!(checked, Err(OwnLimitsError::InvalidName), "{name:?}");
        }
        assert!(OwnLimits::checked([("api-2-minutes", 5)]).is_ok());
    }

    #[test]
    fn eight_are_kept_in_their_order_and_a_ninth_is_an_error() {
        let named = |count: usize| (0..count).map(|n| (format!("limit-{n}"), 5));
        let own = OwnLimits::checked(named(OwnLimits::MOST)).unwrap();
        assert_eq!(own.iter().len(), OwnLimits::MOST);
        assert_eq!(
            own.iter().next(),
            Some(("limit-0", NonZeroU32::new(5).unwrap()))
        );
        let more = OwnLimits::checked(named(OwnLimits::MOST + 1));
        assert_eq!(more, Err(OwnLimitsError::TooMany));
    }
}
