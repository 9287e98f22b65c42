//! Tokens that are bound to a key of the client (DPoP, RFC 9449): a thief of the token cannot use
//! it.
//!
//! The client signs a proof for each request; the token names the key (`cnf.jkt`). [`DpopProofs`]
//! checks proofs: `request` takes one out of a request, `proof` reads what it says, `url` its address,
//! `replay` that it is used once, `memory` continues that at a reload, `nonce` that it was made recently.

mod builder;
mod request;
mod proof;
mod replay;
mod memory;
mod nonce;
mod url;

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderValue;

pub(crate) use self::request::ProofRequest;
pub use self::{builder::DpopProofsBuilder, memory::ProofMemory};
use self::{
    memory::UsedProofs,
    nonce::Nonces,
    proof::Proof,
    replay::{Seen, ShortDigest},
};
use crate::{algorithm::Algorithm, error::DpopFault};

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
/// A restart forgets the proofs that were used before it. So a proof is refused with 503 if it may be
/// one of them (RFC 9449 section 11.1 asks for one use in the whole time in which a proof is accepted):
/// its `iat` is before the first layer was built, or less than the leeway after that, since a proof may
/// be used so long before its `iat`. Every client gets 503 for the first 10 seconds, and a client whose
/// clock is behind for longer. With nonces of this process
/// ([`require_nonces`](DpopProofsBuilder::require_nonces)) this does not happen: a nonce of the process
/// before is not accepted, and the client is told a new one. A [`leeway`](DpopProofsBuilder::leeway) of
/// zero leaves only the clients whose clock is behind, and a [`ProofMemory`] that a new layer takes over leaves none.
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
///
/// For a service whose tokens all are bound to a key, with proofs that are younger than 20 seconds:
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::{Algorithm, dpop::DpopProofs};
///
/// let proofs = DpopProofs::builder("https://tts.example")
///     .algorithms([Algorithm::Es256])
///     .max_age(Duration::from_secs(20))
///     .require_nonces()
///     .require_proofs()
///     .build()?;
/// # let _ = proofs;
///
/// // An origin has no path: the path comes from the request.
/// assert!(DpopProofs::builder("https://tts.example/speech").build().is_err());
/// # Ok::<(), palisade_jwt::JwtBuildError>(())
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
    /// Whether no nonce of an earlier process is accepted.
    nonces_of_process: bool,
    required: bool,
    used: Arc<UsedProofs>,
}

impl DpopProofs {
    /// Starts to configure the check of proofs. `origin` is that of this service, as clients write
    /// it: scheme, host, and a port that is not the default.
    ///
    /// It is not read from `Host`, which a client chooses.
    pub fn builder(origin: impl Into<Box<str>>) -> DpopProofsBuilder {
        DpopProofsBuilder::new(origin.into())
    }

    /// Remembers since when proofs are remembered, once for all clones.
    pub(crate) fn begin(&self, now: Duration) {
        self.0.used.began.get_or_init(|| now);
    }

    /// Checks the proof of a request with a token that is bound to a key. The proof counts as used
    /// only if everything else about it is right.
    ///
    /// The signature is verified last: it costs more than all other checks, and a thief of a token has
    /// another key.
    ///
    /// # Errors
    ///
    /// What is wrong with the proof. It can then be used again.
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
        let issued = proof.check_age(now, inner.max_age, inner.leeway)?;
        self.check_start(issued, now)?;
        self.check_nonce(&proof, now)?;
        proof.check_signature()?;
        let used = short_digest(&[proof.thumbprint.as_str(), proof.jti.as_str()]);
        match inner.used.seen.admit(short_digest(&[bound_to]), used, now) {
            Seen::First => Ok(()),
            Seen::Full => Err(DpopFault::StoreFull),
            Seen::Replayed => Err(DpopFault::Replayed),
        }
    }

    /// Refuses a proof that an earlier process may have accepted: until the start, it accepted those that
    /// were up to the leeway in the future. A start in the future says that the clock was wrong then, and
    /// is ignored.
    ///
    /// # Errors
    ///
    /// The proof may have been used before this process started.
    fn check_start(&self, issued: Duration, now: Duration) -> Result<(), DpopFault> {
        let began = self.0.used.began.get().filter(|began| **began <= now);
        let may_be_used = began.is_some_and(|began| issued < *began + self.0.leeway);
        match may_be_used && !self.0.nonces_of_process {
            true => Err(DpopFault::BeforeStart),
            false => Ok(()),
        }
    }

    /// Refuses a proof without a nonce of this server, if nonces are required.
    ///
    /// # Errors
    ///
    /// The nonce is missing, or is none of this server.
    fn check_nonce(&self, proof: &Proof<'_>, now: Duration) -> Result<(), DpopFault> {
        let Some(nonces) = &self.0.nonces else {
            return Ok(());
        };
        let fits = proof
            .nonce()
            .is_some_and(|nonce| nonces.accepts(nonce, now));
        match fits {
            true => Ok(()),
            false => Err(DpopFault::Nonce),
        }
    }

    /// Returns the nonce that a client should use, if nonces are required.
    pub(crate) fn nonce(&self, now: Duration) -> Option<HeaderValue> {
        let nonces = self.0.nonces.as_ref()?;
        HeaderValue::try_from(nonces.current(now)).ok()
    }

    /// Tells whether proofs are for this origin.
    pub(crate) fn has_origin(&self, origin: &str) -> bool {
        url::origin(origin).is_some_and(|origin| *origin == *self.0.origin)
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
