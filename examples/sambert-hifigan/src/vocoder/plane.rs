//! Signals of several channels, and padded copies of them.

use crate::kernel::{Conv, TILE, leaky_into};

/// A signal: `channels` rows of `length` values, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) channels: usize,
    pub(crate) length: usize,
    pub(crate) values: Vec<f32>,
}

impl Plane {
    pub(crate) fn zeros(channels: usize, length: usize) -> Self {
        Self {
            channels,
            length,
            values: vec![0.0; channels * length],
        }
    }

    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.length.max(1))
    }

    pub(crate) fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        self.values.chunks_exact_mut(self.length.max(1))
    }
}

/// A copy of a signal with zeros around it, laid out for [`Conv`].
#[derive(Debug, Default)]
pub(crate) struct Padded {
    values: Vec<f32>,
    stride: usize,
    left: usize,
}

impl Padded {
    /// Takes rows with `left` and `right` zeros beside them, rectified with `slope` (1 leaves them as they are).
    pub(crate) fn fill<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a [f32]>,
        length: usize,
        [left, right]: [usize; 2],
        slope: f32,
    ) {
        self.left = left;
        self.stride = left + length + right + TILE;
        self.values.clear();
        for row in rows {
            let start = self.values.len();
            self.values.resize(start + self.stride, 0.0);
            leaky_into(
                row,
                &mut self.values[start + left..start + left + length],
                slope,
            );
        }
        self.values.resize(self.values.len() + TILE, 0.0);
    }

    /// Convolves positions from `from` on, `n` of them; position 0 reads the first `reach + 1` padded values.
    pub(crate) fn convolve(
        &self,
        conv: &Conv,
        from: usize,
        n: usize,
        y: &mut [f32],
        y_stride: usize,
        add: bool,
    ) {
        conv.apply(&self.values[from..], self.stride, y, y_stride, n, add);
    }

    /// Returns the rows without their padding.
    pub(crate) fn left(&self) -> usize {
        self.left
    }
}

/// Zeros a convolution needs on both sides to keep the length.
pub(crate) const fn same_padding(conv: &Conv, causal: bool) -> [usize; 2] {
    let reach = conv.reach();
    let left = if causal { reach } else { reach / 2 };
    [left, reach - left]
}

/// Convolves a signal, rectified first, keeping its length.
pub(crate) fn convolve_same(conv: &Conv, x: &Plane, slope: f32, causal: bool) -> Plane {
    let mut padded = Padded::default();
    padded.fill(x.rows(), x.length, same_padding(conv, causal), slope);
    let mut y = Plane::zeros(conv.outputs(), x.length);
    padded.convolve(conv, 0, x.length, &mut y.values, x.length, false);
    y
}
