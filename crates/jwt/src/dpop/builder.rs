//! The choices of proofs of possession.

use std::{sync::Arc, time::Duration};

use palisade_core::Secret;

use super::{
    DpopProofs, Inner,
    memory::{ProofBounds, ProofMemory, UsedProofs},
    nonce::{LEAST_SECRET, Nonces},
    url,
};
use crate::{
    algorithm::{Algorithm, Family},
    error::JwtBuildError,
};

const LONGEST_AGE: Duration = Duration::from_secs(600);
/// Bounds the memory.
const MOST_PROOFS: usize = 10_000_000;

/// Configures [`DpopProofs`]. Made by [`DpopProofs::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`algorithms`](Self::algorithms) | `ES256`, `ES384`, `EdDSA`, `PS256`, `RS256` |
/// | [`max_age`](Self::max_age) | 60 seconds |
/// | [`leeway`](Self::leeway) | 10 seconds |
/// | [`remembered_proofs`](Self::remembered_proofs) | 131,072 in 70 seconds, a sixteenth of them for one key |
/// | [`require_nonces`](Self::require_nonces) | no nonces |
/// | [`require_proofs`](Self::require_proofs) | tokens without a binding are accepted as bearer tokens |
/// | [`memory`](Self::memory) | empty |
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::dpop::DpopProofs;
///
/// let proofs = DpopProofs::builder("https://tts.example")
///     .max_age(Duration::from_secs(30))
///     .require_nonces()
///     .build()?;
/// # let _ = proofs;
/// # Ok::<(), palisade_jwt::JwtBuildError>(())
/// ```
///
/// For a fleet: nonces that every process accepts, and no token without a proof.
///
/// ```
/// use palisade_core::Secret;
/// use palisade_jwt::{Algorithm, dpop::DpopProofs};
///
/// let shared = Secret::new(*b"32 random bytes of the fleet, ok");
/// let proofs = DpopProofs::builder("https://tts.example")
///     .algorithms([Algorithm::Es256])
///     .shared_nonces(shared)
///     .require_proofs()
///     .build()?;
/// # let _ = proofs;
///
/// // A shared secret has no public key to prove the possession of.
/// assert!(DpopProofs::builder("https://tts.example").algorithms([Algorithm::Hs256]).build().is_err());
/// # Ok::<(), palisade_jwt::JwtBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DpopProofsBuilder {
    origin: Box<str>,
    algorithms: Vec<Algorithm>,
    max_age: Duration,
    leeway: Duration,
    remembered: usize,
    nonces: NonceChoice,
    required: bool,
    /// Also the name of these proofs in it.
    memory: Option<(ProofMemory, Box<str>)>,
}

/// Whether a proof needs a nonce.
#[derive(Clone, Debug)]
enum NonceChoice {
    /// No.
    None,
    /// Yes, under a secret that this process draws.
    OfProcess,
    /// Yes, under a secret that replicas share.
    Shared(Secret),
}

impl DpopProofsBuilder {
    pub(super) fn new(origin: Box<str>) -> Self {
        Self {
            origin,
            algorithms: vec![
                Algorithm::Es256,
                Algorithm::Es384,
                Algorithm::EdDsa,
                Algorithm::Ps256,
                Algorithm::Rs256,
            ],
            max_age: Duration::from_secs(60),
            leeway: Duration::from_secs(10),
            remembered: 131_072,
            nonces: NonceChoice::None,
            required: false,
            memory: None,
        }
    }

    /// Sets the accepted algorithms of proofs. Secrets (`HS256`, …) are an error of
    /// [`build`](Self::build).
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets how long a proof is accepted after its `iat`. Default: 60 seconds; a second to 10
    /// minutes. Each proof is accepted once in any case.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets how far `iat` may be in the future. Default: 10 seconds; at most 10 minutes.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets how many proofs are remembered in the time that one is accepted. Default: 131,072, about
    /// 10 MB in the worst case; 16 to 10 million. One key uses a sixteenth of it at most. Beyond
    /// that, requests are refused with 503: a proof that cannot be remembered could be replayed.
    pub fn remembered_proofs(mut self, number: usize) -> Self {
        self.remembered = number;
        self
    }

    /// Requires a nonce of this server in each proof (RFC 9449 section 9), under a secret that the
    /// process draws. Default: no nonces, so a client that is compromised for a moment can make
    /// proofs for later. With replicas use [`shared_nonces`](Self::shared_nonces).
    ///
    /// A nonce is accepted for 5 to 10 minutes, and not after a restart. A client without one gets 401 `use_dpop_nonce` with
    /// the header `DPoP-Nonce`.
    pub fn require_nonces(mut self) -> Self {
        self.nonces = NonceChoice::OfProcess;
        self
    }

    /// Requires nonces under a secret that all replicas share, of at least 32 bytes. They are accepted
    /// after a restart too, so a proof that was made before the start is refused for another reason.
    pub fn shared_nonces(mut self, secret: Secret) -> Self {
        self.nonces = NonceChoice::Shared(secret);
        self
    }

    /// Refuses tokens that are bound to no key. Default: they are accepted as bearer tokens.
    pub fn require_proofs(mut self) -> Self {
        self.required = true;
        self
    }

    /// Continues the memory of the proofs of this name that were built last, if their layer is still there
    /// and their age, leeway and number are the same. Default: the memory is empty, as after a restart.
    ///
    /// For a reload without a restart: build the new layer while the old one is in use. Each service and
    /// each resource has a name of its own.
    pub fn memory(mut self, memory: &ProofMemory, name: impl Into<Box<str>>) -> Self {
        self.memory = Some((memory.clone(), name.into()));
        self
    }

    /// Checks the choices.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::DpopOrigin`], [`JwtBuildError::DpopAlgorithms`],
    /// [`JwtBuildError::DpopBounds`], [`JwtBuildError::DpopNonceSecret`].
    pub fn build(self) -> Result<DpopProofs, JwtBuildError> {
        let origin = url::origin(&self.origin);
        let origin = origin.ok_or_else(|| JwtBuildError::DpopOrigin(self.origin.clone()))?;
        let symmetric = |it: &Algorithm| it.family() == Family::Hmac;
        if self.algorithms.is_empty() || self.algorithms.iter().any(symmetric) {
            return Err(JwtBuildError::DpopAlgorithms);
        }
        let age_fits = (Duration::from_secs(1)..=LONGEST_AGE).contains(&self.max_age);
        let number_fits = (16..=MOST_PROOFS).contains(&self.remembered);
        if !age_fits || self.leeway > LONGEST_AGE || !number_fits {
            return Err(JwtBuildError::DpopBounds);
        }
        let nonces = match &self.nonces {
            NonceChoice::None => None,
            NonceChoice::OfProcess => {
                Some(Nonces::of_process().ok_or(JwtBuildError::DpopNonceSecret)?)
            }
            NonceChoice::Shared(secret) if secret.expose().len() < LEAST_SECRET => {
                return Err(JwtBuildError::DpopNonceSecret);
            }
            NonceChoice::Shared(secret) => Some(Nonces::of_secret(secret.expose())),
        };
        let bounds = ProofBounds {
            max_age: self.max_age,
            leeway: self.leeway,
            number: self.remembered,
        };
        let used = match &self.memory {
            Some((memory, name)) => memory.continued(name, bounds),
            None => UsedProofs::new(bounds),
        };
        Ok(DpopProofs(Arc::new(Inner {
            origin: origin.into(),
            algorithms: self.algorithms.into(),
            used,
            max_age: self.max_age,
            leeway: self.leeway,
            nonces,
            nonces_of_process: matches!(self.nonces, NonceChoice::OfProcess),
            required: self.required,
        })))
    }
}
