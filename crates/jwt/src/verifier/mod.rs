//! The decision: a token in, its claims out, or the reason why not.

mod builder;

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::SharedClock;

pub use self::builder::{Issuer, VerifierBuilder};
use crate::{
    Claims, InvalidToken, Keys,
    header::Header,
    parts::{Parts, base64url},
};

/// No token may be longer, whatever the configuration says.
pub(crate) const LARGEST_CAP: usize = 64 * 1024;

/// Verifies tokens. Cheap to clone.
///
/// Pure: no HTTP, no waiting, and the time is its clock's. What is cheap to judge is judged before the signature, so a
/// refusal costs less than an admission; nothing of a token is believed before the signature is.
///
/// ```
/// use std::time::Duration;
/// use palisade_core::{ManualClock, Secret};
/// use palisade_jwt::{Algorithm, InvalidToken, Issuer, Verifier, VerifyingKey};
/// # use palisade_jwt::mint::{SigningKey, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = Secret::new(*b"an example of thirty-two bytes!!");
/// let clock = ManualClock::new(Duration::from_secs(1_000));
/// let verifier = Verifier::builder()
///     .issuer(Issuer::new(
///         "https://login.example",
///         "https://tts.example",
///         VerifyingKey::from_secret(Algorithm::Hs256, &secret)?,
///     ))
///     .clock(clock.shared())
///     .build()?;
/// # let token = Token::new("https://login.example", "https://tts.example", "lin")
/// #     .lifetime(Duration::from_secs(300))
/// #     .sign(&SigningKey::from_secret(Algorithm::Hs256, &secret)?, clock.shared().as_ref())?;
///
/// assert_eq!(verifier.verify(&token)?.subject(), Some("lin"));
/// clock.advance(Duration::from_secs(330)); // five minutes and the leeway
/// assert_eq!(verifier.verify(&token).unwrap_err(), InvalidToken::Expired);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    issuers: Box<[Issuer]>,
    types: Box<[Box<str>]>,
    untyped: bool,
    required: Box<[Box<str>]>,
    leeway: Duration,
    cap: usize,
    clock: SharedClock,
}

/// A token that is sound in all but its signature.
pub(crate) struct Examined<'a> {
    header: Header,
    claims: Claims,
    issuer: usize,
    signed: &'a str,
    signature: Vec<u8>,
}

/// A token that has been verified, and under which keys.
pub(crate) struct Verified {
    pub(crate) claims: Claims,
    pub(crate) issuer: usize,
    pub(crate) keys: [u8; 32],
}

impl Examined<'_> {
    pub(crate) fn issuer(&self) -> usize {
        self.issuer
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }
}

impl Verifier {
    /// Starts to describe which tokens are good.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder::default()
    }

    /// Verifies a token.
    ///
    /// Fetches nothing: keys of a URL are used as they are known at this moment, so a program that only calls this
    /// has them kept fresh by their source. [`JwtLayer`](crate::JwtLayer) also sends for them, and waits.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] says why, for the operator. A client is told `invalid_token` and nothing more.
    pub fn verify(&self, token: &str) -> Result<Claims, InvalidToken> {
        let examined = self.examine(token)?;
        self.check(&examined).map(|verified| verified.claims)
    }

    /// Judges everything but the signature.
    pub(crate) fn examine<'a>(&self, token: &'a str) -> Result<Examined<'a>, InvalidToken> {
        let parts = Parts::split(token, self.0.cap)?;
        let header = Header::read(&base64url(parts.header)?)?;
        if !header.is_one_of(&self.0.types, self.0.untyped) {
            return Err(InvalidToken::TypeMismatch);
        }
        let claims = Claims::read(&base64url(parts.claims)?)?;
        let issuer = self.issuer_of(&claims)?;
        self.judge(&claims, issuer)?;
        Ok(Examined {
            header,
            claims,
            issuer,
            signed: parts.signed,
            signature: base64url(parts.signature)?,
        })
    }

    /// Finds the issuer by its exact name. This only chooses which keys are asked.
    fn issuer_of(&self, claims: &Claims) -> Result<usize, InvalidToken> {
        let known = |issuer: &Issuer| issuer.name() == claims.issuer();
        let found = self.0.issuers.iter().position(known);
        found.ok_or(InvalidToken::IssuerUnknown)
    }

    fn judge(&self, claims: &Claims, issuer: usize) -> Result<(), InvalidToken> {
        let issuer = self.issuer(issuer).ok_or(InvalidToken::IssuerUnknown)?;
        claims.judge_audience(issuer.audiences())?;
        self.judge_times(claims.times())?;
        match self
            .0
            .required
            .iter()
            .find(|name| claims.get(name).is_none())
        {
            Some(name) => Err(InvalidToken::ClaimMissing(builder::static_name(name))),
            None => Ok(()),
        }
    }

    pub(crate) fn judge_times(&self, times: &crate::claims::Times) -> Result<(), InvalidToken> {
        times.judge(self.0.clock.unix_time(), self.0.leeway)
    }

    /// Judges the signature.
    pub(crate) fn check(&self, examined: &Examined<'_>) -> Result<Verified, InvalidToken> {
        let issuer = self
            .issuer(examined.issuer)
            .ok_or(InvalidToken::IssuerUnknown)?;
        let keys = issuer.keys().current()?;
        let mut candidates = keys.candidates(examined.kid(), examined.header.algorithm)?;
        let message = examined.signed.as_bytes();
        match candidates.any(|key| key.verifies(message, &examined.signature)) {
            true => Ok(Verified {
                claims: examined.claims.clone(),
                issuer: examined.issuer,
                keys: *keys.print(),
            }),
            false => Err(InvalidToken::SignatureMismatch),
        }
    }

    pub(crate) fn issuer(&self, index: usize) -> Option<&Issuer> {
        self.0.issuers.get(index)
    }

    pub(crate) fn keys(&self, issuer: usize) -> Option<&Keys> {
        self.issuer(issuer).map(Issuer::keys)
    }

    pub(crate) fn cap(&self) -> usize {
        self.0.cap
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuers", &self.0.issuers)
            .field("types", &self.0.types)
            .field("untyped", &self.0.untyped)
            .field("required", &self.0.required)
            .field("leeway", &self.0.leeway)
            .field("cap", &self.0.cap)
            .finish_non_exhaustive()
    }
}
