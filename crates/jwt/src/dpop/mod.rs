//! Tokens that are bound to a key of the client (DPoP, RFC 9449): a thief of the token cannot use
//! it.
//!
//! The client signs a proof for each request; the token names the key (`cnf.jkt`). [`DpopProofs`]
//! checks proofs: `proof` what one says, `url` its address, `replay` that it is used once, `nonce`
//! that it was made recently.

mod builder;
mod proof;
mod replay;
mod nonce;
mod url;

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderName, HeaderValue, Method, request};

pub use self::builder::DpopProofsBuilder;
use self::{
    nonce::Nonces,
    proof::Proof,
    replay::{ReplayStore, Seen, ShortDigest},
};
use crate::{algorithm::Algorithm, error::DpopFault};

/// The header of a proof.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Checks proofs of possession. Pass it to
/// [`JwtLayerBuilder::dpop`](crate::JwtLayerBuilder::dpop). Clones share the memory of proofs.
///
/// A proof is accepted if all of this holds (RFC 9449 section 4.3):
///
/// | part | condition |
/// |---|---|
/// | the header `DPoP` | once, a token signed with the public key in it |
/// | `typ`, `alg`, `jwk` | `dpop+jwt`, an accepted asymmetric algorithm, a public key of that algorithm |
/// | `htm`, `htu` | the method and the address of the request, normalised |
/// | `iat` | at most 60 seconds ago |
/// | `jti` | not used before by this key |
/// | `ath` | the digest of the token |
/// | `nonce` | one of this server, if it requires them |
/// | the key | that of `cnf.jkt` in the token |
///
/// The memory of proofs is that of one process: with replicas, a proof can be used once at each
/// unless a client is always sent to the same one.
///
/// ```
/// use palisade_jwt::{Algorithm, Issuer, JwtLayer, Verifier, dpop::DpopProofs};
/// # use palisade_jwt::mint::SigningKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
/// let issuer = Issuer::new("https://login.example", "https://tts.example", key);
/// let layer = JwtLayer::builder(Verifier::builder().issuer(issuer).build()?)
///     .dpop(DpopProofs::builder("https://tts.example").build()?)
///     .build()?;
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DpopProofs(Arc<Inner>);

struct Inner {
    /// Normalised, without `/`.
    origin: Box<str>,
    algorithms: Box<[Algorithm]>,
    max_age: Duration,
    leeway: Duration,
    nonces: Option<Nonces>,
    required: bool,
    seen: ReplayStore,
}

/// What a proof is compared with.
pub(crate) struct ProofRequest {
    proof: Result<Box<str>, DpopFault>,
    method: Method,
    path: Box<str>,
}

impl ProofRequest {
    /// Copies it from a request.
    pub(crate) fn of(head: &request::Parts) -> Self {
        let mut lines = head.headers.get_all(DPOP).iter();
        let proof = match (lines.next(), lines.next()) {
            (None, _) => Err(DpopFault::Missing),
            (Some(line), None) => line.to_str().map(Into::into).or(Err(DpopFault::Malformed)),
            (Some(_), Some(_)) => Err(DpopFault::Repeated),
        };
        Self {
            proof,
            method: head.method.clone(),
            path: head.uri.path().into(),
        }
    }
}

impl DpopProofs {
    /// Starts to configure the check of proofs. `origin` is that of this service, as clients write
    /// it: scheme, host, and a port that is not the default.
    ///
    /// It is not read from `Host`, which a client chooses.
    pub fn builder(origin: impl Into<Box<str>>) -> DpopProofsBuilder {
        DpopProofsBuilder::new(origin.into())
    }

    /// Checks the proof of a request with a token that is bound to a key. The proof counts as used
    /// only if everything else about it is right.
    pub(crate) fn check(
        &self,
        request: &ProofRequest,
        token: &str,
        bound_to: &str,
        now: Duration,
    ) -> Result<(), DpopFault> {
        let inner = &*self.0;
        let text = request.proof.as_deref().map_err(|fault| *fault)?;
        let proof = Proof::read(text, &inner.algorithms)?;
        if proof.thumbprint != bound_to {
            return Err(DpopFault::KeyMismatch);
        }
        proof.check_request(request.method.as_str(), &inner.origin, &request.path)?;
        proof.check_token(token)?;
        proof.check_age(now, inner.max_age, inner.leeway)?;
        if let Some(nonces) = &inner.nonces {
            let fits = |nonce| nonces.accepts(nonce, now);
            proof
                .nonce()
                .filter(|nonce| fits(nonce))
                .ok_or(DpopFault::Nonce)?;
        }
        let used = short_digest(&[proof.thumbprint.as_str(), proof.jti.as_str()]);
        match inner.seen.admit(short_digest(&[bound_to]), used, now) {
            Seen::First => Ok(()),
            Seen::Full => Err(DpopFault::StoreFull),
            Seen::Replayed => Err(DpopFault::Replayed),
        }
    }

    /// Returns the nonce that a client should use, if nonces are required.
    pub(crate) fn nonce(&self, now: Duration) -> Option<HeaderValue> {
        let nonces = self.0.nonces.as_ref()?;
        HeaderValue::try_from(nonces.current(now)).ok()
    }

    /// Tells whether tokens that are bound to no key are refused.
    pub(crate) fn are_required(&self) -> bool {
        self.0.required
    }

    /// Returns the names of the accepted algorithms.
    pub(crate) fn algorithm_names(&self) -> Vec<&'static str> {
        self.0.algorithms.iter().map(|it| it.name()).collect()
    }
}

/// Returns a digest of texts. A thumbprint has a fixed length, so two lists are never alike.
fn short_digest(texts: &[&str]) -> ShortDigest {
    let whole = digest(&SHA256, texts.concat().as_bytes());
    let mut short = ShortDigest::default();
    let bytes = whole.as_ref().iter().copied();
    short
        .iter_mut()
        .zip(bytes)
        .for_each(|(place, byte)| *place = byte);
    short
}

impl fmt::Debug for DpopProofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopProofs")
            .field("origin", &self.0.origin)
            .field("algorithms", &self.0.algorithms)
            .field("max_age", &self.0.max_age)
            .field("required", &self.0.required)
            .finish_non_exhaustive()
    }
}
