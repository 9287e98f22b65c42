//! One node's part of a limit, for the time in which the nodes cannot share buckets.

use std::{borrow::Borrow, num::NonZeroU32};

use crate::gcra::Gcra;

/// The arithmetic of one node's part.
pub(super) enum NodeShare<'a> {
    Cut(Gcra),
    Whole(&'a Gcra),
}

impl<'a> NodeShare<'a> {
    /// Divides a limit. If a part is too small to be counted, it is made twice as large.
    pub(super) fn of(gcra: &'a Gcra, share: NonZeroU32) -> Self {
        let halved = |share: &NonZeroU32| NonZeroU32::new(share.get() / 2);
        let mut shares = std::iter::successors(Some(share), halved);
        let cut = shares.find_map(|share| match share {
            NonZeroU32::MIN => None,
            share => gcra.shared_among(share),
        });
        cut.map_or(Self::Whole(gcra), Self::Cut)
    }
}

impl Borrow<Gcra> for NodeShare<'_> {
    fn borrow(&self) -> &Gcra {
        match self {
            Self::Cut(gcra) => gcra,
            Self::Whole(gcra) => gcra,
        }
    }
}
