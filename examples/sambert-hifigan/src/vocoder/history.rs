//! What a layer keeps of a signal that comes in pieces.

use super::plane::Plane;
use crate::kernel::{Conv, leaky_into};

/// The end of a layer's input so far: what outputs still to come depend on.
///
/// A layer that sees `left` positions back and `right` ahead begins with `left` zeros, answers `right` positions
/// late, and is given `right` zeros behind the end. So a signal in pieces meets the same values as one in a
/// single piece, and nothing is computed twice.
#[derive(Debug, Default)]
pub(super) struct History(Plane);

impl History {
    pub(super) fn new(channels: usize, left: usize) -> Self {
        Self(Plane::zeros(channels, left))
    }

    /// Writes what was kept, new values and `zeros` side by side; `slope` rectifies the new ones, 1 leaves them.
    pub(super) fn join(&self, x: &Plane, slope: f32, zeros: usize, joined: &mut Plane) {
        let (kept, end) = (self.0.length, self.0.length + x.length);
        joined.reshape(self.0.channels, end + zeros);
        // Nothing new may come as a signal without channels.
        let new = x.rows().chain(std::iter::repeat(&[][..]));
        for ((old, new), row) in self.0.rows().zip(new).zip(joined.rows_mut()) {
            row[..kept].copy_from_slice(old);
            leaky_into(new, &mut row[kept..end], slope);
            row[end..].fill(0.0);
        }
    }

    /// Keeps what follows the first `used` positions.
    pub(super) fn keep(&mut self, joined: &Plane, used: usize) {
        self.0.reshape(joined.channels, joined.length - used);
        for (kept, row) in self.0.rows_mut().zip(joined.rows()) {
            kept.copy_from_slice(&row[used..]);
        }
    }

    /// Keeps new values behind the others.
    pub(super) fn append(&mut self, x: &Plane, spare: &mut Plane) {
        self.join(x, 1.0, 0, spare);
        std::mem::swap(&mut self.0, spare);
    }

    /// Takes the first `length` positions out.
    pub(super) fn take(&mut self, length: usize) -> Plane {
        let mut taken = std::mem::take(&mut self.0);
        self.keep(&taken, length);
        taken.shorten(length);
        taken
    }

    /// Joins the input of a convolution and returns how many positions of it can be computed now.
    pub(super) fn feed(
        &mut self,
        conv: &Conv,
        x: &Plane,
        slope: f32,
        zeros: usize,
        joined: &mut Plane,
    ) -> usize {
        self.join(x, slope, zeros, joined);
        let ready = joined.length.saturating_sub(conv.reach());
        self.keep(joined, ready);
        ready
    }

    /// Returns how many positions are kept.
    pub(super) const fn length(&self) -> usize {
        self.0.length
    }
}

/// Zeros a convolution needs on both sides to keep the length.
pub(super) const fn same_padding(conv: &Conv, causal: bool) -> [usize; 2] {
    let reach = conv.reach();
    let left = if causal { reach } else { reach / 2 };
    [left, reach - left]
}

/// A convolution that keeps the length, in pieces.
#[derive(Debug)]
pub(super) struct Same {
    history: History,
    right: usize,
}

impl Same {
    pub(super) fn new(conv: &Conv, causal: bool) -> Self {
        let [left, right] = same_padding(conv, causal);
        Self {
            history: History::new(conv.inputs(), left),
            right,
        }
    }

    /// Joins what the convolution reads; returns how many positions can be computed.
    pub(super) fn feed(
        &mut self,
        conv: &Conv,
        x: &Plane,
        slope: f32,
        end: bool,
        joined: &mut Plane,
    ) -> usize {
        let zeros = if end { self.right } else { 0 };
        self.history.feed(conv, x, slope, zeros, joined)
    }

    /// Convolves the next piece, rectified first.
    pub(super) fn push(&mut self, conv: &Conv, x: &Plane, slope: f32, end: bool) -> Plane {
        let (mut joined, mut y) = (Plane::default(), Plane::default());
        let ready = self.feed(conv, x, slope, end, &mut joined);
        y.convolve(conv, &joined, 0, ready);
        y
    }
}
