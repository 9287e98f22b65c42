//! `[dpop]`: the choices of proofs of possession, for the layer or for each resource.

use std::time::Duration;

use palisade_core::Secret;
use palisade_jwt::{
    Algorithm,
    dpop::{DpopProofs, DpopProofsBuilder},
};

use crate::config::{Config, ConfigFileError, document::Dpop, tokens::UsedProofs};

/// The largest `max_age_seconds` and `leeway_seconds`.
const LONGEST_SECONDS: u64 = 600;
/// The bounds of `remembered_proofs`.
const REMEMBERED: [u64; 2] = [16, 10_000_000];
/// The shortest secret of `shared_nonces`, in bytes.
const SHORTEST_NONCE_SECRET: usize = 32;

/// The choices of the section. `None`: the default of the builder.
#[derive(Clone)]
pub(in crate::config) struct ProofChoices {
    algorithms: Option<Vec<Algorithm>>,
    max_age: Option<Duration>,
    leeway: Option<Duration>,
    remembered: Option<usize>,
    require_nonces: bool,
    shared_nonces: Option<Secret>,
    require_proofs: bool,
}

impl ProofChoices {
    /// Passes the choices to a builder.
    pub(in crate::config) fn apply(&self, mut builder: DpopProofsBuilder) -> DpopProofsBuilder {
        if let Some(algorithms) = &self.algorithms {
            builder = builder.algorithms(algorithms.iter().copied());
        }
        if let Some(age) = self.max_age {
            builder = builder.max_age(age);
        }
        if let Some(leeway) = self.leeway {
            builder = builder.leeway(leeway);
        }
        if let Some(number) = self.remembered {
            builder = builder.remembered_proofs(number);
        }
        if self.require_nonces {
            builder = builder.require_nonces();
        }
        if let Some(secret) = &self.shared_nonces {
            builder = builder.shared_nonces(secret.clone());
        }
        match self.require_proofs {
            true => builder.require_proofs(),
            false => builder,
        }
    }
}

impl Config {
    /// Makes the check of proofs for a service that is no resource server. `None` without `[dpop]`.
    ///
    /// # Errors
    ///
    /// There is no origin, or a value cannot be used.
    pub(in crate::config) fn proofs_of_origin(
        &self,
        used: &UsedProofs,
    ) -> Result<Option<DpopProofs>, ConfigFileError> {
        let (Some(section), Some(choices)) = (&self.document.dpop, self.proof_choices()?) else {
            return Ok(None);
        };
        let Some(origin) = &section.origin else {
            let problem = "proofs need the origin of this service";
            let remedy = "write origin = \"https://voice.example\", as clients write it";
            return Err(self.source.key_error("dpop", "origin", problem, remedy));
        };
        let name = origin.get_ref().as_str();
        let builder = choices.apply(DpopProofs::builder(name)).memory(used, name);
        let proofs = builder.build().map_err(|problem| {
            let remedy = "correct the section `dpop`";
            self.source.at(origin, problem, remedy)
        })?;
        Ok(Some(proofs))
    }

    /// Reads `[dpop]`, but for the origin. `None` without the section.
    ///
    /// # Errors
    ///
    /// A value is out of range, or the secret of nonces cannot be read.
    pub(in crate::config) fn proof_choices(&self) -> Result<Option<ProofChoices>, ConfigFileError> {
        let Some(section) = &self.document.dpop else {
            return Ok(None);
        };
        let seconds = |value: Option<u64>| value.map(Duration::from_secs);
        let [least, most] = REMEMBERED;
        Ok(Some(ProofChoices {
            algorithms: self.proof_algorithms(section)?,
            max_age: seconds(self.number(&section.max_age_seconds, 1, LONGEST_SECONDS)?),
            leeway: seconds(self.number(&section.leeway_seconds, 0, LONGEST_SECONDS)?),
            remembered: self.number(&section.remembered_proofs, least, most)?,
            require_nonces: section.require_nonces,
            shared_nonces: self.nonce_secret(section)?,
            require_proofs: section.require_proofs,
        }))
    }

    /// Reads the algorithms. Secrets and an empty list are errors.
    ///
    /// # Errors
    ///
    /// The list is empty, or has an algorithm that is unknown or symmetric.
    fn proof_algorithms(&self, section: &Dpop) -> Result<Option<Vec<Algorithm>>, ConfigFileError> {
        let Some(names) = &section.algorithms else {
            return Ok(None);
        };
        let symmetric = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
        let algorithms = self.algorithms(names)?;
        if !algorithms.is_empty() && !algorithms.iter().any(|it| symmetric.contains(it)) {
            return Ok(Some(algorithms));
        }
        let problem = "a client proves that it has a private key";
        let remedy = "name asymmetric algorithms such as \"ES256\"";
        Err(self.source.key_error("dpop", "algorithms", problem, remedy))
    }

    /// Reads the secret of shared nonces.
    ///
    /// # Errors
    ///
    /// It cannot be read, or stands in the configuration itself.
    fn nonce_secret(&self, section: &Dpop) -> Result<Option<Secret>, ConfigFileError> {
        let Some(source) = &section.shared_nonces else {
            return Ok(None);
        };
        if section.require_nonces {
            let problem = "nonces are those of this process or of all replicas";
            let remedy = "remove require_nonces, or this key";
            return Err(self.source.at(source, problem, remedy));
        }
        self.secret(source, SHORTEST_NONCE_SECRET).map(Some)
    }
}
