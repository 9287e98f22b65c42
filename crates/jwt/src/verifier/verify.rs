//! Verifies one token: its form, its signature, and then its claims.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use palisade_core::{SecurityContext, SharedClock};
use palisade_internal::wall_clock::WallClock;

use super::{
    Issuer, VerifierBuilder,
    cache::{TokenDigest, token_digest},
};
use crate::{
    claims::{Binding, Claims, RequiredClaim, Times, issuer_of},
    error::InvalidToken,
    jwks::IssuerKeys,
    token::{
        header::Header,
        json,
        split::{CompactParts, base64url},
    },
};

/// Verifies tokens. Cheap to clone; clones share the configuration.
///
/// It does no HTTP and never waits. The form of a token is checked before its signature, and its
/// claims after it. So [`InvalidToken::Expired`] means that the issuer did sign the token.
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
///
/// Tokens of another audience, or of an issuer that is not listed, are refused, also with a right signature:
///
/// ```
/// use palisade_core::SystemClock;
/// use palisade_jwt::{Algorithm, Issuer, Verifier, mint::{SigningKey, Token}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let issuer = Issuer::new("https://login.example", "https://tts.example", key.verifying_key());
/// let verifier = Verifier::builder().issuer(issuer).only_access_tokens().build()?;
/// for (issuer, audience) in [
///     ("https://login.example", "https://mail.example"),
///     ("https://evil.example", "https://tts.example"),
/// ] {
///     let token = Token::new(issuer, audience, "lin").sign(&key, SystemClock::shared().as_ref())?;
///     assert!(verifier.verify(&token).is_err());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Verifier(pub(super) Arc<Inner>);

/// Everything that a verifier was built with. Clones share it.
pub(super) struct Inner {
    /// With different names and labels.
    pub(super) issuers: Box<[Issuer]>,
    /// The accepted values of `typ`.
    pub(super) types: Box<[Box<str>]>,
    /// Whether a token without `typ` is accepted.
    pub(super) untyped: bool,
    /// Claims besides `iss`, `aud` and `exp`.
    pub(super) required: Box<[RequiredClaim]>,
    pub(super) leeway: Duration,
    /// The maximum length of a token, in bytes.
    pub(super) cap: usize,
    pub(super) clock: SharedClock,
    /// Keeps expired tokens expired when the clock steps back.
    pub(super) wall: WallClock,
    /// Set by a step back, cleared by the request that records it.
    pub(super) clock_stepped_back: AtomicBool,
}

/// A token whose form is right. Its signature and its claims are not checked yet.
pub(crate) struct ParsedToken<'a> {
    header: Header,
    claims: Claims,
    issuer: usize,
    signed: &'a str,
    signature: Vec<u8>,
}

/// A token that has been verified, and under which keys.
pub(crate) struct VerifiedToken {
    pub(crate) claims: Claims,
    pub(crate) issuer: usize,
    pub(crate) keys: [u8; 32],
    /// The digest of what was signed. The signature is left out: the holder of a token can make
    /// another valid signature for it (ECDSA: r, n − s), and must not get another id by that.
    pub(crate) signed: TokenDigest,
    /// What the token is bound to, which the caller must check.
    pub(crate) bound_to: Option<Binding>,
}

/// Which bindings of a token the caller checks. A token with another one is refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CheckedByCaller {
    pub(crate) certificates: bool,
    pub(crate) keys: bool,
}

impl ParsedToken<'_> {
    pub(crate) fn issuer(&self) -> usize {
        self.issuer
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }
}

impl Verifier {
    /// Starts to configure which tokens are valid.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder::default()
    }

    /// Verifies a token.
    ///
    /// It fetches nothing: keys of a URL are used as they are known at this moment. A program that
    /// only calls this uses `JwksUrl::keep_fresh`. [`JwtLayer`](crate::JwtLayer) also starts
    /// fetches and waits for them.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] has the reason, for the operator. Send only `invalid_token` to the client.
    pub fn verify(&self, token: &str) -> Result<Claims, InvalidToken> {
        let parsed = self.parse(token)?;
        self.check(&parsed, CheckedByCaller::default())
            .map(|verified| verified.claims)
    }

    /// Checks the form: everything that needs neither keys nor a clock.
    pub(crate) fn parse<'a>(&self, token: &'a str) -> Result<ParsedToken<'a>, InvalidToken> {
        let parts = CompactParts::split(token, self.0.cap)?;
        let header = Header::read(&base64url(parts.header)?)?;
        self.check_header_of_any_issuer(&header)?;
        let all = json::object(&base64url(parts.claims)?)?;
        let (index, issuer) = self.find_issuer(issuer_of(&all)?)?;
        self.check_header(&header, issuer)?;
        let rules = &issuer.rules;
        Ok(ParsedToken {
            header,
            issuer: index,
            claims: Claims::read(all, &rules.scopes, rules.null_is_absent)?,
            signed: parts.signed,
            signature: base64url(parts.signature)?,
        })
    }

    /// Finds the issuer by its exact name. This only selects the rules and the keys.
    fn find_issuer(&self, name: &str) -> Result<(usize, &Issuer), InvalidToken> {
        let mut issuers = self.0.issuers.iter().enumerate();
        let found = issuers.find(|(_, issuer)| issuer.name() == name);
        found.ok_or(InvalidToken::IssuerUnknown)
    }

    /// Refuses a header that no issuer accepts, before the claims are parsed.
    fn check_header_of_any_issuer(&self, header: &Header) -> Result<(), InvalidToken> {
        let mut refusal = Ok(());
        for issuer in &self.0.issuers {
            let outcome = self.check_header(header, issuer);
            if outcome.is_ok() {
                return Ok(());
            }
            refusal = refusal.and(outcome);
        }
        refusal
    }

    /// Checks type, embedded keys and algorithm by the rules of an issuer.
    fn check_header(&self, header: &Header, issuer: &Issuer) -> Result<(), InvalidToken> {
        let rules = &issuer.rules;
        if header.has_embedded_key && !rules.ignore_embedded_keys {
            return Err(InvalidToken::EmbeddedKey);
        }
        let types = rules.types.as_deref().unwrap_or(&self.0.types);
        let untyped = rules.accept_untyped || (rules.types.is_none() && self.0.untyped);
        if !header.is_one_of(types, untyped) {
            return Err(InvalidToken::TypeMismatch);
        }
        let allowed = rules.algorithms.as_deref();
        match allowed.is_none_or(|allowed| allowed.contains(&header.algorithm)) {
            true => Ok(()),
            false => Err(InvalidToken::AlgorithmNotAllowed),
        }
    }

    /// Checks the signature, and then the claims.
    pub(crate) fn check(
        &self,
        parsed: &ParsedToken<'_>,
        checked: CheckedByCaller,
    ) -> Result<VerifiedToken, InvalidToken> {
        let issuer = self
            .issuer(parsed.issuer)
            .ok_or(InvalidToken::IssuerUnknown)?;
        let keys = issuer.keys().current()?;
        let mut candidates = keys.candidates(parsed.kid(), parsed.header.algorithm)?;
        let message = parsed.signed.as_bytes();
        if !candidates.any(|key| key.verifies(message, &parsed.signature)) {
            return Err(InvalidToken::SignatureMismatch);
        }
        self.check_claims(&parsed.claims, issuer)?;
        let bound_to = bound_to(&parsed.claims, issuer, checked)?;
        Ok(VerifiedToken {
            claims: parsed.claims.clone(),
            issuer: parsed.issuer,
            keys: *keys.fingerprint(),
            signed: token_digest(parsed.signed),
            bound_to,
        })
    }

    /// Checks audience, kind, required claims and dates of a token with a valid signature.
    fn check_claims(&self, claims: &Claims, issuer: &Issuer) -> Result<(), InvalidToken> {
        let rules = &issuer.rules;
        claims.check_audience(rules.audience_claim.as_ref(), issuer.audiences())?;
        if !rules.accept_id_tokens && !claims.may_be_access_token() {
            return Err(InvalidToken::NotAccessToken);
        }
        for required in rules.required.iter().chain(&self.0.required) {
            required.check(claims)?;
        }
        let now = self.now();
        claims.times().check(now, self.0.leeway)?;
        let max_lifetime = rules.max_lifetime;
        claims
            .times()
            .check_lifetime(now, self.0.leeway, max_lifetime)
    }

    /// Checks the dates of a token that was verified before, for a request that arrived now.
    pub(crate) fn check_times(
        &self,
        cx: &SecurityContext,
        times: &Times,
    ) -> Result<(), InvalidToken> {
        let now = self.request_time(cx);
        times.check(now, self.0.leeway)
    }

    /// Returns whether two values are clones of one verifier.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the time of this moment.
    pub(crate) fn now(&self) -> Duration {
        self.wall_time(self.0.clock.unix_time())
    }

    /// Returns the time of a request that arrived now.
    pub(crate) fn request_time(&self, cx: &SecurityContext) -> Duration {
        self.wall_time(cx.unix_time(&*self.0.clock))
    }

    /// Returns the time to decide by: that of the wall clock, but it does not go back.
    fn wall_time(&self, wall: Duration) -> Duration {
        let reading = self.0.wall.read(wall);
        if let Some(step) = reading.stepped_back {
            self.0.clock_stepped_back.store(true, Ordering::Relaxed);
            let seconds = step.as_secs();
            tracing::warn!(target: "palisade", seconds, "the system clock stepped back; what has expired stays expired (up to the configured step)");
        }
        reading.now
    }

    /// Returns whether the clock stepped back since the last call, for one record of it.
    pub(crate) fn take_clock_step(&self) -> bool {
        let stepped = &self.0.clock_stepped_back;
        stepped.load(Ordering::Relaxed) && stepped.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn issuer(&self, index: usize) -> Option<&Issuer> {
        self.0.issuers.get(index)
    }

    pub(crate) fn keys(&self, issuer: usize) -> Option<&IssuerKeys> {
        self.issuer(issuer).map(Issuer::keys)
    }

    pub(crate) fn cap(&self) -> usize {
        self.0.cap
    }
}

/// Returns the binding that the caller must check. Refuses a token with a confirmation that is not
/// checked: present is enough, whatever it holds.
fn bound_to(
    claims: &Claims,
    issuer: &Issuer,
    checked: CheckedByCaller,
) -> Result<Option<Binding>, InvalidToken> {
    if issuer.rules.ignore_confirmation {
        return Ok(None);
    }
    let bound_to = claims.bound_to()?;
    let is_checked = match &bound_to {
        None => true,
        Some(Binding::Certificate(_)) => checked.certificates,
        Some(Binding::Key(_)) => checked.keys,
    };
    match is_checked {
        true => Ok(bound_to),
        false => Err(InvalidToken::ConfirmationUnchecked),
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
