//! The form of a proof as JSON: one small object, which can be sent and kept.
//!
//! | member | of a record | of consistency |
//! |---|---|---|
//! | `v`, `type` | 1, `record_proof` | 1, `consistency_proof` |
//! | `line` | the line of the record | |
//! | `checkpoint` | the line of the checkpoint | |
//! | `first`, `second` | | the lines of both checkpoints |
//! | `path` | the hashes, in hexadecimal digits | the same |

use serde::{Deserialize, Serialize};

use super::{Claim, Proof, ProofError};

/// The version of the form.
const VERSION: u64 = 1;

/// A claim with the version of the form.
#[derive(Deserialize, Serialize)]
struct Document<C> {
    /// The version of the form. Another one is refused.
    v: u64,
    /// What the proof is about.
    #[serde(flatten)]
    claim: C,
}

impl Proof {
    /// Returns the proof as JSON on several lines.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document {
            v: VERSION,
            claim: &self.0,
        };
        // Texts and numbers always have a form as JSON.
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    /// Reads a proof that [`to_json`](Self::to_json) wrote. Nothing is checked: see [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// [`ProofError::Malformed`] if it is none, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, ProofError> {
        let document: Option<Document<Claim>> = serde_json::from_str(text).ok();
        let document = document.filter(|document| document.v == VERSION);
        document
            .map(|document| Self(document.claim))
            .ok_or(ProofError::Malformed)
    }
}

/// Hashes as an array of texts.
pub(super) mod digits {
    use palisade_internal::hex;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::chain::merkle::TreeHash;

    /// The most hashes of a proof: two for each bit of the size of a tree.
    const MAX_PATH: usize = 128;

    /// Writes each hash as 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub(crate) fn serialize<S: Serializer>(path: &[TreeHash], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(path.iter().map(|hash| hex::encode(hash)))
    }

    /// Reads at most 128 hashes, so that a proof of another person cannot take much memory.
    ///
    /// # Errors
    ///
    /// A text has not 64 hexadecimal digits, or there are more than 128 of them.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<TreeHash>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let hashes: Option<Vec<TreeHash>> =
            texts.iter().map(|it| hex::decode(it.as_bytes())).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_PATH);
        hashes.ok_or_else(|| D::Error::custom("not the hashes of a proof"))
    }
}
