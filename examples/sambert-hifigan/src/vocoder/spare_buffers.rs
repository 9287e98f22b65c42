//! Buffers that are not in use between two pieces, for the next one.

use std::sync::{Mutex, PoisonError};

use super::plane::Plane;

/// What a residual block writes while it works on one piece.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) x: Plane,
    pub(super) y: Plane,
    pub(super) joined: Plane,
    pub(super) middle: Plane,
}

/// The buffers of one block, borrowed by the thread that runs it.
///
/// They are several megabytes, so they belong to the block and not to each speech: there are as many as there were ever
/// threads in the block at once, however many speeches wait for their next turn.
#[derive(Debug, Default)]
pub(super) struct SpareBuffers(Mutex<Vec<Buffers>>);

impl SpareBuffers {
    /// Takes buffers that were given back, or new ones.
    pub(super) fn take(&self) -> Buffers {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.pop().unwrap_or_default()
    }

    /// Gives buffers to the next.
    pub(super) fn give_back(&self, buffers: Buffers) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(buffers);
    }
}
