//! Signals of several channels.

use crate::kernel::{Conv, Input, Output, TILE};

/// A signal: `channels` rows of `length` values.
///
/// Rows lie `stride` apart. What lies between them means nothing; a convolution may read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plane {
    pub(crate) channels: usize,
    pub(crate) length: usize,
    stride: usize,
    values: Vec<f32>,
}

impl Plane {
    pub(crate) fn zeros(channels: usize, length: usize) -> Self {
        let mut plane = Self::default();
        plane.reshape(channels, length);
        plane
    }

    /// Makes space for `channels` rows of `length`, whatever they hold.
    pub(crate) fn reshape(&mut self, channels: usize, length: usize) {
        self.channels = channels;
        self.length = length;
        self.stride = length + TILE;
        self.values.resize(channels * self.stride, 0.0);
    }

    /// Becomes a copy of some positions of another signal.
    pub(crate) fn copy(&mut self, x: &Self, part: std::ops::Range<usize>) {
        self.reshape(x.channels, part.len());
        for (copy, row) in self.rows_mut().zip(x.rows()) {
            copy.copy_from_slice(&row[part.clone()]);
        }
    }

    /// Forgets all positions from `length` on.
    pub(crate) fn shorten(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        let length = self.length;
        self.values
            .chunks_exact(self.stride.max(1))
            .map(move |row| &row[..length])
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let length = self.length;
        self.values
            .chunks_exact_mut(self.stride.max(1))
            .map(move |row| &mut row[..length])
    }

    /// Returns the rows one after the other.
    pub(crate) fn joined(&self) -> Vec<f32> {
        self.rows().flatten().copied().collect()
    }

    /// Computes `n` positions of a convolution over `x`, from its position `from` on, in place of what the plane
    /// held.
    pub(crate) fn convolve(&mut self, conv: &Conv, x: &Self, from: usize, n: usize) {
        self.reshape(conv.outputs(), n);
        self.run(conv, x, from, n, false);
    }

    /// Adds `n` positions of a convolution over `x`.
    pub(crate) fn add_convolved(&mut self, conv: &Conv, x: &Self, n: usize) {
        self.run(conv, x, 0, n, true);
    }

    fn run(&mut self, conv: &Conv, x: &Self, from: usize, n: usize, add: bool) {
        let input = Input {
            values: &x.values,
            stride: x.stride,
            from,
        };
        let output = Output {
            values: &mut self.values,
            stride: self.stride,
            add,
        };
        conv.apply(input, output, n);
    }
}
