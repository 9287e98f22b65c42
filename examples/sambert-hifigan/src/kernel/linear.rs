//! Linear layers and layer normalization over rows.

use pulp::{Arch, Simd, WithSimd};

use super::round_up;

/// Columns of one packed panel: two AVX-512 vectors.
const PANEL: usize = 32;

/// A linear layer, its weights packed in panels of 32 outputs.
#[derive(Debug)]
pub(crate) struct Linear {
    inputs: usize,
    outputs: usize,
    packed: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Packs a weight of shape `[outputs, inputs]`, row by row, and its bias.
    pub(crate) fn new(weight: &[f32], bias: Option<&[f32]>, outputs: usize, inputs: usize) -> Self {
        let panels = outputs.div_ceil(PANEL);
        let mut packed = vec![0.0; panels * inputs * PANEL];
        for (output, row) in weight.chunks_exact(inputs).enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            for (input, value) in row.iter().enumerate() {
                packed[(panel * inputs + input) * PANEL + lane] = *value;
            }
        }
        let mut padded = vec![0.0; round_up(outputs, PANEL)];
        if let Some(bias) = bias {
            padded[..outputs].copy_from_slice(bias);
        }
        Self {
            inputs,
            outputs,
            packed,
            bias: padded,
        }
    }

    pub(crate) const fn inputs(&self) -> usize {
        self.inputs
    }

    pub(crate) const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes `x W^T + b` for every row of `x` into `y`.
    pub(crate) fn apply(&self, x: &[f32], y: &mut [f32]) {
        self.run(x, y, false);
    }

    /// Adds `x W^T + b` for every row of `x` to `y`.
    pub(crate) fn accumulate(&self, x: &[f32], y: &mut [f32]) {
        self.run(x, y, true);
    }

    /// As [`Self::apply`], into a new vector.
    pub(crate) fn map(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        self.apply(x, &mut y);
        y
    }

    fn run(&self, x: &[f32], y: &mut [f32], add: bool) {
        Arch::new().dispatch(Product {
            layer: self,
            x,
            y,
            add,
        });
    }
}

struct Product<'a> {
    layer: &'a Linear,
    x: &'a [f32],
    y: &'a mut [f32],
    add: bool,
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

/// Layer normalization with the reference's epsilon of 1e-6.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl LayerNorm {
    const EPSILON: f32 = 1e-6;

    pub(crate) const fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self { weight, bias }
    }

    /// Normalizes every row of `x` into `y`.
    pub(crate) fn apply(&self, x: &[f32], y: &mut [f32]) {
        let width = self.weight.len();
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let mean = x.iter().sum::<f32>() / width as f32;
            let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / width as f32;
            let scale = (variance + Self::EPSILON).sqrt().recip();
            for ((y, x), (w, b)) in y.iter_mut().zip(x).zip(self.weight.iter().zip(&self.bias)) {
                *y = (x - mean) * scale * w + b;
            }
        }
    }

    /// As [`Self::apply`], into a new vector.
    pub(crate) fn map(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        self.apply(x, &mut y);
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::every_arch;

    fn check(rows: usize, inputs: usize, outputs: usize) {
        let value = |i: usize| ((i * 7919) % 101) as f32 / 50.0 - 1.0;
        let weight: Vec<f32> = (0..inputs * outputs).map(value).collect();
        let bias: Vec<f32> = (0..outputs).map(value).collect();
        let x: Vec<f32> = (0..rows * inputs).map(|i| value(i + 13)).collect();
        let layer = Linear::new(&weight, Some(&bias), outputs, inputs);
        let exact = |row: usize, output: usize| {
            let products = (0..inputs)
                .map(|i| f64::from(x[row * inputs + i]) * f64::from(weight[output * inputs + i]));
            products.sum::<f64>() + f64::from(bias[output])
        };
        for arch in every_arch() {
            let mut y = vec![0.0; rows * outputs];
            arch.dispatch(Product {
                layer: &layer,
                x: &x,
                y: &mut y,
                add: false,
            });
            for (index, y) in y.iter().enumerate() {
                let exact = exact(index / outputs, index % outputs);
                assert!((exact - f64::from(*y)).abs() < 1e-4, "{arch:?}");
            }
        }
    }

    #[test]
    fn a_packed_product_equals_the_plain_sum() {
        check(1, 5, 3);
        check(4, 32, 32);
        check(7, 33, 65);
        check(9, 1, 96);
    }
}
