//! What a token says (RFC 7519, 4): read strictly, judged against the clock.

use std::{fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    InvalidToken,
    json::{self, Object},
};

/// The end of the year 9999: no honest date lies beyond.
const LAST_SECOND: f64 = 253_402_300_799.0;
const MOST_SCOPES: usize = 256;

/// The claims of a verified token. Cheap to clone.
#[derive(Clone)]
pub struct Claims(Arc<Inner>);

struct Inner {
    issuer: Box<str>,
    times: Times,
    scopes: Box<[Box<str>]>,
    all: Object,
}

/// The dates of a token, as time since the Unix epoch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Times {
    pub(crate) expires: Duration,
    not_before: Option<Duration>,
    issued: Option<Duration>,
}

impl Claims {
    /// Reads a claims set. Nothing is judged but the types of what is registered.
    pub(crate) fn read(text: &[u8]) -> Result<Self, InvalidToken> {
        let all = json::object(text)?;
        let issuer = text_of(&all, "iss")?.ok_or(InvalidToken::ClaimMissing("iss"))?;
        text_of(&all, "sub")?;
        text_of(&all, "jti")?;
        Ok(Self(Arc::new(Inner {
            issuer: issuer.into(),
            times: Times::read(&all)?,
            scopes: scopes(&all)?,
            all,
        })))
    }

    /// Returns who made the token.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns whom it is about. Unique only together with the issuer.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Returns the token's own name (`jti`).
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// Returns when it ends, as time since the Unix epoch, without leeway.
    #[must_use]
    pub fn expires(&self) -> Duration {
        self.0.times.expires
    }

    /// Returns what it allows: `scope` (RFC 8693, 4.2) and `scp` together.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.scopes.iter().map(AsRef::as_ref)
    }

    /// Returns a claim that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.all.get(name)?.as_str()
    }

    /// Reads the whole claims set into a type of one's own.
    ///
    /// # Errors
    ///
    /// [`InvalidToken::Json`] if the claims do not fit the type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, InvalidToken> {
        let all = Value::Object(self.0.all.clone());
        serde_json::from_value(all).map_err(|_| InvalidToken::Json)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.all.get(name)
    }

    pub(crate) fn times(&self) -> &Times {
        &self.0.times
    }

    /// Judges `aud`: text, or an array of text alone, and one of them ours.
    pub(crate) fn judge_audience(&self, ours: &[Box<str>]) -> Result<(), InvalidToken> {
        let is_ours = |name: &str| ours.iter().any(|known| &**known == name);
        match self.get("aud") {
            None => Err(InvalidToken::ClaimMissing("aud")),
            Some(Value::String(one)) if is_ours(one) => Ok(()),
            Some(Value::String(_)) => Err(InvalidToken::AudienceMismatch),
            Some(Value::Array(several)) if !several.iter().all(Value::is_string) => {
                Err(InvalidToken::ClaimMalformed("aud"))
            }
            Some(Value::Array(several))
                if several.iter().filter_map(Value::as_str).any(is_ours) =>
            {
                Ok(())
            }
            Some(Value::Array(_)) => Err(InvalidToken::AudienceMismatch),
            Some(_) => Err(InvalidToken::ClaimMalformed("aud")),
        }
    }
}

impl Times {
    fn read(all: &Object) -> Result<Self, InvalidToken> {
        Ok(Self {
            expires: date(all, "exp")?.ok_or(InvalidToken::ClaimMissing("exp"))?,
            not_before: date(all, "nbf")?,
            issued: date(all, "iat")?,
        })
    }

    /// Judges the dates. A token ends *at* `exp` (RFC 7519, 4.1.4), so without leeway it is refused in that very moment.
    pub(crate) fn judge(&self, now: Duration, leeway: Duration) -> Result<(), InvalidToken> {
        if now >= self.expires + leeway {
            return Err(InvalidToken::Expired);
        }
        let later = now + leeway;
        if self.not_before.is_some_and(|start| start > later) {
            return Err(InvalidToken::NotYetValid);
        }
        if self.issued.is_some_and(|issued| issued > later) {
            return Err(InvalidToken::IssuedInFuture);
        }
        Ok(())
    }
}

/// Names the members for their content but shows none of it: claims are about people.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.0.issuer)
            .field("names", &self.0.all.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A claim that is absent or text. Another type is a fault.
fn text_of<'a>(all: &'a Object, name: &'static str) -> Result<Option<&'a str>, InvalidToken> {
    match all.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(InvalidToken::ClaimMalformed(name)),
    }
}

/// A NumericDate (RFC 7519, 2): a JSON number, whole or not, between the epoch and the year 9999.
fn date(all: &Object, name: &'static str) -> Result<Option<Duration>, InvalidToken> {
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

/// `scope` is text with spaces (RFC 8693, 4.2), `scp` an array or such text: providers differ. Both are granted together.
fn scopes(all: &Object) -> Result<Box<[Box<str>]>, InvalidToken> {
    let mut scopes: Vec<Box<str>> = Vec::new();
    for name in ["scope", "scp"] {
        let malformed = InvalidToken::ClaimMalformed(name);
        let listed: Vec<&str> = match all.get(name) {
            None => continue,
            Some(Value::String(line)) => {
                line.split(' ').filter(|scope| !scope.is_empty()).collect()
            }
            Some(Value::Array(items)) if name == "scp" => {
                let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                texts.ok_or(malformed)?
            }
            Some(_) => return Err(malformed),
        };
        if scopes.len() + listed.len() > MOST_SCOPES || !listed.iter().all(|scope| is_scope(scope))
        {
            return Err(malformed);
        }
        scopes.extend(listed.into_iter().map(Into::into));
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes.into())
}

/// A scope token (RFC 6749, 3.3): printable ASCII without space, quote and backslash.
fn is_scope(scope: &str) -> bool {
    let fits = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !scope.is_empty() && scope.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(members: &str, expected: Result<(), InvalidToken>) {
        let text = format!(r#"{{"iss":"i","exp":100{members}}}"#);
        let outcome = Claims::read(text.as_bytes()).map(drop);
        assert_eq!(outcome, expected, "{text}");
    }

    #[test]
    fn a_wrong_type_is_not_an_absence() {
        for name in ["sub", "jti"] {
            for value in ["1", "null", "[]", "{}", "true"] {
                check(
                    &format!(r#","{name}":{value}"#),
                    Err(InvalidToken::ClaimMalformed(name)),
                );
            }
        }
        for name in ["nbf", "iat"] {
            for value in ["\"1\"", "null", "[]", "true", "-1", "1e300", "253402300800"] {
                check(
                    &format!(r#","{name}":{value}"#),
                    Err(InvalidToken::ClaimMalformed(name)),
                );
            }
        }
        check(
            r#","scope":["a"]"#,
            Err(InvalidToken::ClaimMalformed("scope")),
        );
        check(
            r#","scp":{"a":1}"#,
            Err(InvalidToken::ClaimMalformed("scp")),
        );
        check(
            r#","scp":["a",1]"#,
            Err(InvalidToken::ClaimMalformed("scp")),
        );
        check(
            r#","scope":"a\nb""#,
            Err(InvalidToken::ClaimMalformed("scope")),
        );
    }

    #[test]
    fn a_date_may_have_a_fraction() {
        let claims = Claims::read(br#"{"iss":"i","exp":100.5}"#).unwrap();
        assert_eq!(claims.expires(), Duration::from_millis(100_500));
    }

    #[test]
    fn both_forms_of_scope_are_granted_together_and_once() {
        let claims = Claims::read(
            br#"{"iss":"i","exp":1,"scope":"tts:speak  tts:list","scp":["tts:list","x"]}"#,
        )
        .unwrap();
        assert!(claims.scopes().eq(["tts:list", "tts:speak", "x"]));
    }

    #[test]
    fn a_token_ends_at_its_expiry_and_begins_at_its_start() {
        let times = Times {
            expires: Duration::from_secs(100),
            not_before: Some(Duration::from_secs(50)),
            issued: Some(Duration::from_secs(40)),
        };
        let judge =
            |now, leeway| times.judge(Duration::from_secs(now), Duration::from_secs(leeway));
        assert_eq!(judge(99, 0), Ok(()));
        assert_eq!(judge(100, 0), Err(InvalidToken::Expired));
        assert_eq!(judge(129, 30), Ok(()));
        assert_eq!(judge(130, 30), Err(InvalidToken::Expired));
        assert_eq!(judge(49, 0), Err(InvalidToken::NotYetValid));
        assert_eq!(judge(20, 30), Ok(()));
        assert_eq!(judge(19, 30), Err(InvalidToken::NotYetValid));
        let future = Times {
            not_before: None,
            ..times
        };
        assert_eq!(
            future.judge(Duration::from_secs(39), Duration::ZERO),
            Err(InvalidToken::IssuedInFuture)
        );
    }
}
