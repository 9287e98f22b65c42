//! Checkpoints: signed lines that say how far a trail has come, for a second place.

use std::{fs::File, io, io::Read as _, path::Path};

use palisade_core::Secret;
use palisade_internal::private_file;
use serde::Deserialize;

use super::{
    Anchor,
    anchor::unhex,
    statement::{Signer, Verifier},
};
use crate::{error::AuditBuildError, key::hex, record::json::Object};

const PURPOSE: &str = "checkpoint";
const PRIVATE: &str = "palisade-checkpoint-key ed25519 ";
const PUBLIC: &str = "palisade-checkpoint-public-key ed25519 ";
const MAX_KEY_FILE: u64 = 4096;

/// Signs checkpoints with Ed25519 (RFC 8032).
///
/// The [public key](CheckpointPublicKey) checks them and cannot make new ones. Without a checkpoint
/// key, checkpoints are made under the key of the trail (HMAC-SHA-256). If the trail has no key either,
/// they are checksums, which show accidents and no attacks.
///
/// ```
/// use palisade_audit::{CheckpointKey, FileSink};
///
/// let key = CheckpointKey::generate()?;
/// let public = key.public_key().to_text(); // For verification: no secret.
/// let settings = FileSink::builder("audit.jsonl").checkpoint_key(key);
/// # let _ = (public, settings); Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CheckpointKey {
    seed: Secret,
    signer: Signer,
}

/// Checks checkpoints that a [`CheckpointKey`] signed. It is no secret.
///
/// Give it to [`VerifyOptions::checkpoint_key`](crate::VerifyOptions::checkpoint_key).
#[derive(Clone, Debug)]
pub struct CheckpointPublicKey([u8; 32]);

impl CheckpointKey {
    /// Makes a random key.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, AuditBuildError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| AuditBuildError::NoRandomness)?;
        Self::from_seed(&seed)
    }

    /// Reads a key file, as [`to_text`](Self::to_text) writes it.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if it cannot be read, holds something else, or others may read it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let text = read_key(path, true)?;
        let seed = text.trim_end().strip_prefix(PRIVATE);
        let seed = seed.and_then(|digits| unhex(digits.as_bytes()));
        Self::from_seed(&seed.ok_or_else(|| wrong_key(path, "no private checkpoint key"))?)
    }

    /// Returns the text of a key file. It is a secret.
    #[must_use]
    pub fn to_text(&self) -> Secret {
        Secret::new(format!("{PRIVATE}{}\n", hex(self.seed.expose())))
    }

    /// Returns the key that checks what this one signs.
    #[must_use]
    pub fn public_key(&self) -> CheckpointPublicKey {
        match self.signer.verifier() {
            Verifier::Ed25519(public) => CheckpointPublicKey(public),
            _ => CheckpointPublicKey([0; 32]),
        }
    }

    fn from_seed(seed: &[u8; 32]) -> Result<Self, AuditBuildError> {
        Ok(Self {
            seed: Secret::new(*seed),
            signer: Signer::ed25519(seed)?,
        })
    }

    pub(crate) fn signer(&self) -> Signer {
        self.signer.clone()
    }
}

impl CheckpointPublicKey {
    /// Reads a file with a public key, as [`to_text`](Self::to_text) writes it.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if it cannot be read or holds something else.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let text = read_key(path, false)?;
        let digits = text.trim_end().strip_prefix(PUBLIC);
        let bytes = digits.and_then(|digits| unhex(digits.as_bytes()));
        bytes
            .map(Self)
            .ok_or_else(|| wrong_key(path, "no public checkpoint key"))
    }

    /// Returns the text of a key file. It is no secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}{}\n", hex(&self.0))
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::Ed25519(self.0)
    }
}

fn read_key(path: &Path, private: bool) -> Result<String, AuditBuildError> {
    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let file = File::open(path)?;
        if private && private_file::others_may(&file, 0o077)? {
            return Err(io::Error::other(
                "others may read or change it: chmod 600 it",
            ));
        }
        let mut text = String::new();
        file.take(MAX_KEY_FILE).read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|error| AuditBuildError::KeyFile {
        path: path.into(),
        error,
    })
}

fn wrong_key(path: &Path, what: &str) -> AuditBuildError {
    AuditBuildError::KeyFile {
        path: path.into(),
        error: io::Error::other(format!(
            "{what} is in it; make one with `palisade audit key`"
        )),
    }
}

/// One checkpoint: so far had the trail come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) trail: String,
    pub(crate) anchor: Anchor,
}

#[derive(Deserialize)]
struct Members {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    trail: String,
    seq: u64,
    hash: String,
}

/// What a line of a checkpoint file is.
#[derive(Debug)]
pub(crate) enum CheckpointLine {
    Good(Checkpoint),
    /// It has the form of a checkpoint and another signature.
    Forged,
    /// It is no checkpoint: torn, or another version.
    Unknown,
}

impl Checkpoint {
    /// Writes a signed line, with its line end.
    pub(crate) fn to_line(&self, time: &str, signer: &Signer) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut object = Object::open(&mut out);
        object.number("v", 1);
        object.text("type", PURPOSE);
        object.text("time", time);
        object.text("trail", &self.trail);
        object.number("seq", self.anchor.sequence());
        object.text("hash", &hex(self.anchor.hash()));
        object.text("algorithm", signer.algorithm());
        if let Some(key) = signer.key_id() {
            object.text("key", &key);
        }
        object.leave_open();
        signer.sign(PURPOSE, &mut out);
        out.push(b'\n');
        out
    }

    pub(crate) fn parse(line: &[u8], verifier: &Verifier) -> CheckpointLine {
        let Ok(members) = serde_json::from_slice::<Members>(line) else {
            return CheckpointLine::Unknown;
        };
        let hash = unhex(members.hash.as_bytes());
        let (true, Some(hash)) = (members.v == 1 && members.kind == PURPOSE, hash) else {
            return CheckpointLine::Unknown;
        };
        if !verifier.accepts(PURPOSE, line) {
            return CheckpointLine::Forged;
        }
        CheckpointLine::Good(Self {
            trail: members.trail,
            anchor: Anchor::new(members.seq, hash),
        })
    }
}
