//! The product of rows and packed panels.

use pulp::{Simd, WithSimd};

use super::{Linear, PANEL};

pub(super) struct Product<'a> {
    pub(super) layer: &'a Linear,
    pub(super) x: &'a [f32],
    pub(super) y: &'a mut [f32],
    pub(super) add: bool,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, x, y, add } = self;
        let (inputs, outputs) = (layer.inputs, layer.outputs);
        let rows = x.len() / inputs;
        for (index, panel) in layer.packed.chunks_exact(inputs * PANEL).enumerate() {
            let first = index * PANEL;
            let width = PANEL.min(outputs - first);
            let bias = &layer.bias[first..first + PANEL];
            let mut row = 0;
            while row < rows {
                let mut out = [[0.0; PANEL]; 4];
                let height = if row + 4 <= rows {
                    four_rows(
                        simd,
                        &x[row * inputs..(row + 4) * inputs],
                        inputs,
                        panel,
                        &mut out,
                    );
                    4
                } else {
                    one_row(
                        simd,
                        &x[row * inputs..(row + 1) * inputs],
                        panel,
                        &mut out[0],
                    );
                    1
                };
                for (offset, values) in out[..height].iter().enumerate() {
                    let start = (row + offset) * outputs + first;
                    let target = &mut y[start..start + width];
                    for ((t, v), b) in target.iter_mut().zip(values).zip(bias) {
                        *t = if add { *t + v + b } else { v + b };
                    }
                }
                row += height;
            }
        }
    }
}

/// Multiplies four rows by one panel, two vectors of columns at a time.
#[inline(always)]
fn four_rows<S: Simd>(
    simd: S,
    x: &[f32],
    inputs: usize,
    panel: &[f32],
    out: &mut [[f32; PANEL]; 4],
) {
    let step = 2 * S::F32_LANES;
    let (a, rest) = x.split_at(inputs);
    let (b, rest) = rest.split_at(inputs);
    let (c, d) = rest.split_at(inputs);
    let mut column = 0;
    while column < PANEL {
        let zero = simd.splat_f32s(0.0);
        let mut sums = [[zero; 2]; 4];
        for ((((weights, a), b), c), d) in panel.chunks_exact(PANEL).zip(a).zip(b).zip(c).zip(d) {
            let w = S::as_simd_f32s(&weights[column..column + step]).0;
            let (w0, w1) = (w[0], w[1]);
            for (sum, x) in sums.iter_mut().zip([*a, *b, *c, *d]) {
                let x = simd.splat_f32s(x);
                sum[0] = simd.mul_add_e_f32s(x, w0, sum[0]);
                sum[1] = simd.mul_add_e_f32s(x, w1, sum[1]);
            }
        }
        for (row, sum) in out.iter_mut().zip(sums) {
            let target = S::as_mut_simd_f32s(&mut row[column..column + step]).0;
            target[0] = sum[0];
            target[1] = sum[1];
        }
        column += step;
    }
}

/// Multiplies one row by one panel; four partial sums hide the latency of the additions.
#[inline(always)]
fn one_row<S: Simd>(simd: S, x: &[f32], panel: &[f32], out: &mut [f32; PANEL]) {
    let step = 2 * S::F32_LANES;
    let mut column = 0;
    while column < PANEL {
        let zero = simd.splat_f32s(0.0);
        let mut sums = [[zero; 2]; 4];
        for (weights, x) in panel.chunks(4 * PANEL).zip(x.chunks(4)) {
            for ((weights, x), sum) in weights.chunks_exact(PANEL).zip(x).zip(&mut sums) {
                let w = S::as_simd_f32s(&weights[column..column + step]).0;
                let x = simd.splat_f32s(*x);
                sum[0] = simd.mul_add_e_f32s(x, w[0], sum[0]);
                sum[1] = simd.mul_add_e_f32s(x, w[1], sum[1]);
            }
        }
        let target = S::as_mut_simd_f32s(&mut out[column..column + step]).0;
        for (lane, target) in target.iter_mut().enumerate() {
            let left = simd.add_f32s(sums[0][lane], sums[1][lane]);
            let right = simd.add_f32s(sums[2][lane], sums[3][lane]);
            *target = simd.add_f32s(left, right);
        }
        column += step;
    }
}
