//! How much memory one request may take.
//!
//! A client chooses how many values a request has and how often rules match, so what is kept for
//! them is counted. Nothing is dropped in silence: a request that needs more is inspected no
//! further, and its verdict says so.

/// Bytes that may still be kept.
#[derive(Debug)]
pub(super) struct Budget {
    /// What is left.
    left: usize,
    /// Whether more was asked for than was left.
    exceeded: bool,
}

impl Budget {
    /// Nothing is taken yet.
    pub(super) const fn new(bytes: usize) -> Self {
        Self {
            left: bytes,
            exceeded: false,
        }
    }

    /// Takes bytes. False: there are not enough, and nothing is taken.
    pub(super) const fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.exceeded = true,
        }
        !self.exceeded
    }

    /// Gives back what was taken before.
    pub(super) const fn give(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes);
    }

    /// Says that something else than bytes ran out.
    pub(super) const fn exceed(&mut self) {
        self.exceeded = true;
    }

    /// Whether something could not be kept.
    pub(super) const fn is_exceeded(&self) -> bool {
        self.exceeded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_remembered() {
        let mut budget = Budget::new(10);
        assert!(budget.take(8) && !budget.is_exceeded());
        budget.give(4);
        assert!(budget.take(6) && !budget.take(1) && budget.is_exceeded());
        assert!(!budget.take(0), "once exceeded, nothing is kept any more");
    }
}
