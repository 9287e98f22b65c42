//! The memory of used proofs, which a reload takes over.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use super::replay::ReplayStore;

/// Keeps the memory of used proofs while the layers that use it are replaced. Clones share it.
///
/// A layer that is built anew remembers no proof, so it refuses all of its first seconds
/// ([`DpopProofs`](super::DpopProofs)). With the same memory it continues that of the layer before, if
/// this one is still there and has the same bounds. Pass it to
/// [`DpopProofsBuilder::memory`](super::DpopProofsBuilder::memory).
///
/// ```
/// use palisade_jwt::dpop::{DpopProofs, ProofMemory};
///
/// let memory = ProofMemory::new();
/// let before = DpopProofs::builder("https://tts.example").memory(&memory, "tts").build()?;
/// let after = DpopProofs::builder("https://tts.example").memory(&memory, "tts").build()?;
/// # let _ = (before, after);
/// # Ok::<(), palisade_jwt::JwtBuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct ProofMemory(Arc<Mutex<HashMap<Box<str>, Weak<UsedProofs>>>>);

/// The used proofs of one layer, or of several in turn.
pub(super) struct UsedProofs {
    pub(super) seen: ReplayStore,
    /// When the first layer was built. Proofs that were used before are not remembered.
    pub(super) began: OnceLock<Duration>,
    bounds: ProofBounds,
}

/// What decides how long and how many proofs are remembered.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct ProofBounds {
    pub(super) max_age: Duration,
    pub(super) leeway: Duration,
    pub(super) number: usize,
}

impl UsedProofs {
    /// Remembers no proof yet.
    pub(super) fn new(bounds: ProofBounds) -> Arc<Self> {
        Arc::new(Self {
            seen: ReplayStore::new(bounds.max_age + bounds.leeway, bounds.number),
            began: OnceLock::new(),
            bounds,
        })
    }
}

impl ProofMemory {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the proofs of a name that were used last, or an empty memory.
    ///
    /// Only the last one counts: an older one lacks the proofs that were used since.
    pub(super) fn continued(&self, name: &str, bounds: ProofBounds) -> Arc<UsedProofs> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.get(name).and_then(Weak::upgrade);
        if let Some(last) = last.filter(|last| last.bounds == bounds) {
            return last;
        }
        let new = UsedProofs::new(bounds);
        all.insert(name.into(), Arc::downgrade(&new));
        new
    }
}

impl fmt::Debug for ProofMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofMemory")
    }
}
