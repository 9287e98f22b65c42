//! What the stores in a Redis server are set by alike: the address, the start of their keys, and a deadline.

use std::time::Duration;

use crate::redis_link::RedisLink;

/// The longest time that a reply may take.
const LONGEST_DEADLINE: Duration = Duration::from_secs(10);

/// Where a store is, as its builder was told. [`open`](Self::open) checks it.
///
/// It has no `Debug`: the address may hold a password.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::redis_settings::{RedisSettingProblem, RedisSettings};
///
/// let settings = RedisSettings {
///     url: "redis://127.0.0.1:6379/3",
///     password: None,
///     prefix: "palisade-session",
///     deadline: Duration::from_millis(250),
/// };
/// assert!(settings.open().is_ok());
///
/// let two_words = RedisSettings { prefix: "our sessions", ..settings };
/// assert_eq!(two_words.open().unwrap_err(), RedisSettingProblem::Prefix);
/// ```
#[derive(Clone, Copy)]
#[allow(clippy::exhaustive_structs, missing_debug_implementations)] // Within Palisade; see above.
pub struct RedisSettings<'a> {
    /// An address, `redis://` or, with the feature `redis-tls`, `rediss://`.
    pub url: &'a str,
    /// The password, in place of one in the address.
    pub password: Option<&'a [u8]>,
    /// What the keys in the server begin with.
    pub prefix: &'a str,
    /// How long a reply may take.
    pub deadline: Duration,
}

/// Which setting cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // Within Palisade: each store has an error for each.
pub enum RedisSettingProblem {
    /// The address is malformed, or this build has no TLS.
    Address,
    /// The deadline is zero or over 10 seconds.
    Deadline,
    /// The password is not UTF-8.
    Password,
    /// The prefix is none: see [`is_key_prefix`].
    Prefix,
}

impl RedisSettings<'_> {
    /// Makes the link to the server. Opens no connection: the first call does.
    ///
    /// # Errors
    ///
    /// [`RedisSettingProblem`]: the first setting that cannot be used.
    pub fn open(&self) -> Result<RedisLink, RedisSettingProblem> {
        if !is_key_prefix(self.prefix) {
            return Err(RedisSettingProblem::Prefix);
        }
        if self.deadline.is_zero() || self.deadline > LONGEST_DEADLINE {
            return Err(RedisSettingProblem::Deadline);
        }
        let password = self.password.map(str::from_utf8).transpose();
        let password = password.map_err(|_| RedisSettingProblem::Password)?;
        let link = RedisLink::for_url(self.url, password, self.deadline);
        link.ok_or(RedisSettingProblem::Address)
    }

    /// Returns the start of all keys: the prefix in braces, which keep them on one node where the address is that of
    /// a proxy of a cluster.
    #[must_use]
    pub fn key_start(&self) -> Box<str> {
        format!("{{{}}}", self.prefix).into()
    }
}

/// Returns whether keys can begin with a text: it is not empty, and has no white space and none of `{}:`, which have
/// a meaning in keys.
///
/// ```
/// use palisade_internal::redis_settings::is_key_prefix;
///
/// assert!(is_key_prefix("palisade-session"));
/// assert!(!is_key_prefix("a:b") && !is_key_prefix("a\tb") && !is_key_prefix(""));
/// ```
#[must_use]
pub fn is_key_prefix(text: &str) -> bool {
    let is_wrong = |letter: char| "{}:".contains(letter) || letter.is_whitespace();
    !text.is_empty() && !text.contains(is_wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: RedisSettings<'_> = RedisSettings {
        url: "redis://127.0.0.1",
        password: None,
        prefix: "a",
        deadline: Duration::from_millis(250),
    };

    #[test]
    fn each_setting_that_cannot_be_used_has_its_problem() {
        let of = |settings: RedisSettings<'_>| settings.open().map(drop);
        assert_eq!(of(SETTINGS), Ok(()));
        for (settings, problem) in [
            (
                RedisSettings {
                    url: "http://127.0.0.1",
                    ..SETTINGS
                },
                RedisSettingProblem::Address,
            ),
            (
                RedisSettings {
                    deadline: Duration::ZERO,
                    ..SETTINGS
                },
                RedisSettingProblem::Deadline,
            ),
            (
                RedisSettings {
                    deadline: LONGEST_DEADLINE + Duration::from_nanos(1),
                    ..SETTINGS
                },
                RedisSettingProblem::Deadline,
            ),
            (
                RedisSettings {
                    password: Some(b"\xff"),
                    ..SETTINGS
                },
                RedisSettingProblem::Password,
            ),
            (
                RedisSettings {
                    prefix: "{a}",
                    ..SETTINGS
                },
                RedisSettingProblem::Prefix,
            ),
        ] {
            assert_eq!(of(settings), Err(problem));
        }
        assert_eq!(&*SETTINGS.key_start(), "{a}");
    }
}
