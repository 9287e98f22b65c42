//! How much memory and work one request may take.
//!
//! A client chooses how many values a request has, how often rules match, and how many patterns
//! have to read a value. What is kept and what is read is counted. Nothing is dropped in silence:
//! a request that needs more is inspected no further, and its verdict says so.
//!
//! The unit of work is one byte that a pattern reads, about a nanosecond.

/// What work costs, beside the reading of a byte by a pattern.
pub(crate) mod cost {
    /// A byte that is searched for the literals of all rules.
    pub(crate) const FILTER: usize = 3;
    /// A byte that a transformation reads and writes.
    pub(crate) const TRANSFORMATION: usize = 6;
    /// A value that a rule is asked about, whatever its length.
    pub(crate) const VALUE: usize = 20;
}

/// Bytes that may still be kept, or read.
#[derive(Debug)]
pub(crate) struct Budget {
    /// What is left.
    left: usize,
    /// Whether more was asked for than was left.
    exceeded: bool,
}

impl Budget {
    /// Nothing is taken yet.
    pub(crate) const fn new(bytes: usize) -> Self {
        Self {
            left: bytes,
            exceeded: false,
        }
    }

    /// Takes bytes. False: there are not enough, and nothing is taken.
    pub(crate) const fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.exceeded = true,
        }
        !self.exceeded
    }

    /// Gives back what was taken before.
    pub(crate) const fn give(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes);
    }

    /// Says that something else than bytes ran out.
    pub(crate) const fn exceed(&mut self) {
        self.exceeded = true;
    }

    /// Whether something could not be kept.
    pub(crate) const fn is_exceeded(&self) -> bool {
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
