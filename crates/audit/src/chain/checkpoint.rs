//! Checkpoints: signed lines with the number and hash of the last record and the root of the
//! Merkle tree, for another place.
//!
//! The file sink writes them, and a start and verification compare the trail with them. This
//! finds a trail that was cut, rolled back or deleted while no process ran.

use std::{fs::File, io, io::Read as _, path::Path};

use palisade_core::Secret;
use palisade_internal::{hex, private_file};
use serde::Deserialize;

use super::{
    Anchor,
    merkle::{TreeHash, hashes_from_text, hashes_to_text},
    statement::{Signer, Verifier},
};
use crate::{error::AuditBuildError, record::json::Object};

/// The purpose in the signature, and the type of the line.
const PURPOSE: &str = "checkpoint";
/// The text before the digits in a file with a private key.
const PRIVATE: &str = "palisade-checkpoint-key ed25519 ";
/// The text before the digits in a file with a public key.
const PUBLIC: &str = "palisade-checkpoint-public-key ed25519 ";
/// The most bytes that are read from a key file.
const MAX_KEY_FILE: u64 = 4096;

/// A private Ed25519 key (RFC 8032) that signs checkpoints.
///
/// Its [public key](CheckpointPublicKey) can check checkpoints and cannot make new ones. So the
/// machine that verifies needs no secret. Without a checkpoint key, checkpoints use the key of the
/// trail (HMAC-SHA-256). If the trail has no key either, they have a checksum, which finds
/// accidents only.
///
/// `Debug` shows no part of the key. The seed is wiped from memory when it is dropped.
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
    /// The 32 bytes of the private key.
    seed: Secret,
    /// The key pair, ready to sign.
    signer: Signer,
}

/// The public key that checks checkpoints of a [`CheckpointKey`]. It is not secret.
///
/// Give it to [`VerifyOptions::checkpoint_key`](crate::VerifyOptions::checkpoint_key).
///
/// # Examples
///
/// ```
/// use palisade_audit::{CheckpointKey, CheckpointPublicKey, VerifyOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("checkpoints.pub");
/// // On the server, once:
/// std::fs::write(&file, CheckpointKey::generate()?.public_key().to_text())?;
/// // On the machine of the auditor:
/// let public = CheckpointPublicKey::from_file(&file)?;
/// let options = VerifyOptions::new().checkpoint_key(public);
/// # let _ = options;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A file with a private key is refused, so that no one copies one to the machine of the auditor:
///
/// ```
/// use palisade_audit::{CheckpointKey, CheckpointPublicKey};
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("wrong.pub");
/// std::fs::write(&file, CheckpointKey::generate()?.to_text().expose())?;
/// let error = CheckpointPublicKey::from_file(&file).unwrap_err();
/// assert!(error.to_string().contains("no public checkpoint key"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CheckpointPublicKey([u8; 32]);

impl CheckpointKey {
    /// Makes a random key from the random number generator of the operating system.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::NoRandomness`] if the generator fails.
    pub fn generate() -> Result<Self, AuditBuildError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| AuditBuildError::NoRandomness)?;
        Self::from_seed(&seed)
    }

    /// Reads a key file that [`to_text`](Self::to_text) wrote. At most 4096 bytes are read.
    ///
    /// On Unix the file must be readable by its owner only: mode 0600.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if the file cannot be read, has other content, or others may
    /// read it.
    ///
    /// ```
    /// use palisade_audit::CheckpointKey;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("checkpoints.key");
    /// let key = CheckpointKey::generate()?;
    /// assert!(CheckpointKey::from_file(&file).is_err()); // there is no such file
    ///
    /// # use std::os::unix::fs::OpenOptionsExt;
    /// # std::fs::OpenOptions::new().write(true).create(true).mode(0o600).open(&file)?;
    /// std::fs::write(&file, key.to_text().expose())?;
    /// let read = CheckpointKey::from_file(&file)?;
    /// assert_eq!(read.public_key().to_text(), key.public_key().to_text());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let text = read_key(path, true)?;
        let seed = text.trim_end().strip_prefix(PRIVATE);
        let seed = seed.and_then(|digits| hex::decode(digits.as_bytes()));
        Self::from_seed(&seed.ok_or_else(|| wrong_key(path, "no private checkpoint key"))?)
    }

    /// Returns the content of a key file. It is secret: write it to a file with mode 0600.
    #[must_use]
    pub fn to_text(&self) -> Secret {
        Secret::new(format!("{PRIVATE}{}\n", hex::encode(self.seed.expose())))
    }

    /// Returns the public key, which checks what this key signs.
    #[must_use]
    pub fn public_key(&self) -> CheckpointPublicKey {
        match self.signer.verifier() {
            Verifier::Ed25519(public) => CheckpointPublicKey(public),
            _ => CheckpointPublicKey([0; 32]),
        }
    }

    /// Returns the key of a seed.
    ///
    /// # Errors
    ///
    /// The library of signatures refuses the seed.
    fn from_seed(seed: &[u8; 32]) -> Result<Self, AuditBuildError> {
        Ok(Self {
            seed: Secret::new(*seed),
            signer: Signer::ed25519(seed)?,
        })
    }

    /// Returns what signs with this key.
    pub(crate) fn signer(&self) -> Signer {
        self.signer.clone()
    }
}

impl CheckpointPublicKey {
    /// Reads a file with a public key that [`to_text`](Self::to_text) wrote. Any mode is accepted.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if the file cannot be read or has other content.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let text = read_key(path, false)?;
        let digits = text.trim_end().strip_prefix(PUBLIC);
        let bytes = digits.and_then(|digits| hex::decode(digits.as_bytes()));
        bytes
            .map(Self)
            .ok_or_else(|| wrong_key(path, "no public checkpoint key"))
    }

    /// Returns the content of a file with the public key. It is not secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}{}\n", hex::encode(&self.0))
    }

    /// Returns what checks with this key.
    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::Ed25519(self.0)
    }
}

/// Reads a key file. A private one must not be accessible to others.
///
/// # Errors
///
/// The file is no regular file, is longer than a key, cannot be read, or a private key can be read
/// by others.
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

/// Returns the error for a file with other content, with the command that makes a key.
fn wrong_key(path: &Path, what: &str) -> AuditBuildError {
    AuditBuildError::KeyFile {
        path: path.into(),
        error: io::Error::other(format!(
            "{what} is in it; make one with `palisade audit key`"
        )),
    }
}

/// A checkpoint: the trail had reached this record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Checkpoint {
    /// The name of the trail.
    pub(crate) trail: String,
    /// The number and hash of the record.
    pub(crate) anchor: Anchor,
    /// The root of the Merkle tree over all records up to this one.
    pub(crate) root: TreeHash,
    /// The number of the record of an earlier checkpoint, and the proof that the tree begins with the one of that
    /// checkpoint (RFC 9162, 2.1.4).
    pub(crate) growth: Option<(u64, Vec<TreeHash>)>,
}

/// The members of a line that are read; others are ignored.
#[derive(Deserialize)]
struct Members {
    /// The version of the form.
    v: u64,
    /// What the line is, by the name of its form.
    #[serde(rename = "type")]
    kind: String,
    /// The name of the trail, so that a checkpoint of another trail proves nothing about this one.
    trail: String,
    /// The number of the record up to which it speaks.
    seq: u64,
    /// The chained hash of that record, in hexadecimal digits.
    hash: String,
    /// The root of the tree over all records up to that one, in hexadecimal digits.
    root: String,
    /// The record of the earlier checkpoint. Only together with `proof`.
    since: Option<u64>,
    /// The proof that the tree has grown since, and was not written anew.
    proof: Option<String>,
}

impl Members {
    /// Returns the checkpoint. `None` if it is none, or one of another version.
    fn checkpoint(self) -> Option<Checkpoint> {
        let known = self.v == 1 && self.kind == PURPOSE;
        let hash = hex::decode(self.hash.as_bytes()).filter(|_| known)?;
        let proof = self.proof.as_deref().map(hashes_from_text);
        Some(Checkpoint {
            trail: self.trail,
            anchor: Anchor::new(self.seq, hash),
            root: hex::decode(self.root.as_bytes())?,
            growth: match (self.since, proof) {
                (Some(since), Some(proof)) => Some((since, proof?)),
                _ => None,
            },
        })
    }
}

/// The result of reading one line of a checkpoint file.
#[derive(Debug)]
pub(crate) enum CheckpointLine {
    /// A checkpoint with a correct signature.
    Good(Checkpoint),
    /// It has the form of a checkpoint and a wrong signature.
    Forged,
    /// It is not a checkpoint: an incomplete line, or another version.
    Unknown,
}

impl Checkpoint {
    /// Writes a signed line with a line feed. `time` is in RFC 3339.
    pub(crate) fn to_line(&self, time: &str, signer: &Signer) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut object = Object::open(&mut out);
        object.number("v", 1);
        object.text("type", PURPOSE);
        object.text("time", time);
        object.text("trail", &self.trail);
        object.number("seq", self.anchor.sequence());
        object.text("hash", &hex::encode(self.anchor.hash()));
        object.text("root", &hex::encode(&self.root));
        if let Some((since, proof)) = &self.growth {
            object.number("since", *since);
            object.text("proof", &hashes_to_text(proof));
        }
        object.text("algorithm", signer.algorithm());
        if let Some(key) = signer.key_id() {
            object.text("key", &key);
        }
        object.leave_open();
        signer.sign(PURPOSE, &mut out);
        out.push(b'\n');
        out
    }

    /// Reads a line without its line feed, and checks the signature.
    pub(crate) fn parse(line: &[u8], verifier: &Verifier) -> CheckpointLine {
        let members = serde_json::from_slice::<Members>(line).ok();
        let Some(checkpoint) = members.and_then(Members::checkpoint) else {
            return CheckpointLine::Unknown;
        };
        match verifier.accepts(PURPOSE, line) {
            true => CheckpointLine::Good(checkpoint),
            false => CheckpointLine::Forged,
        }
    }
}
