//! Dilated convolution over long signals.

use pulp::{Arch, Simd, WithSimd};

/// Output positions one register tile may read past the wanted ones: rows of inputs carry this slack.
pub(crate) const TILE: usize = 48;

/// Output channels of one packed group.
const GROUP: usize = 8;

/// A convolution with stride one; the caller pads its input.
///
/// Weights are packed so that a tile of 8 channels by three vectors of time stays in registers while it
/// walks the inputs: no column matrix is written, shifted input rows are simply read where they lie.
#[derive(Debug)]
pub(crate) struct Conv {
    inputs: usize,
    outputs: usize,
    taps: usize,
    dilation: usize,
    packed: Vec<f32>,
    bias: Vec<f32>,
}

impl Conv {
    /// Packs a weight of shape `[outputs, inputs, taps]` and its bias.
    pub(crate) fn new(weight: &[f32], bias: &[f32], shape: [usize; 3], dilation: usize) -> Self {
        let [outputs, inputs, taps] = shape;
        let groups = outputs.div_ceil(GROUP);
        let mut packed = vec![0.0; groups * inputs * taps * GROUP];
        for (output, rows) in weight.chunks_exact(inputs * taps).enumerate() {
            let start = output / GROUP * inputs * taps * GROUP + output % GROUP;
            for (index, value) in rows.iter().enumerate() {
                packed[start + index * GROUP] = *value;
            }
        }
        Self {
            inputs,
            outputs,
            taps,
            dilation,
            packed,
            bias: bias.to_vec(),
        }
    }

    pub(crate) const fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Positions an output depends on beyond its own: `(taps - 1) * dilation`.
    pub(crate) const fn reach(&self) -> usize {
        (self.taps - 1) * self.dilation
    }

    /// Computes `n` positions: output `t` of a row reads inputs `t .. t + reach + 1` of every input row.
    pub(crate) fn apply(&self, x: Input<'_>, y: Output<'_>, n: usize) {
        Arch::new().dispatch(Pass {
            conv: self,
            x,
            y,
            n,
        });
    }
}

/// Rows `stride` apart, read from position `from` on: at least `n + reach + TILE` values each.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) from: usize,
}

/// Rows `stride` apart; with `add` the result is added to what they hold.
pub(crate) struct Output<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) add: bool,
}

struct Pass<'a> {
    conv: &'a Conv,
    x: Input<'a>,
    y: Output<'a>,
    n: usize,
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // 32 registers hold 8 x 3 sums, 16 hold 4 x 3.
        if S::F32_LANES >= 16 {
            self.tiles::<S, 8>(simd);
        } else {
            self.tiles::<S, 4>(simd);
        }
    }
}

impl Pass<'_> {
    /// Every sum is taken in the same order wherever its tile begins, so that a signal in pieces gives the very
    /// same values; what is left of a row takes narrower tiles.
    #[inline(always)]
    fn tiles<S: Simd, const R: usize>(mut self, simd: S) {
        let mut start = 0;
        while start < self.n {
            start += match (self.n - start).div_ceil(S::F32_LANES) {
                1 => self.column::<S, R, 1>(simd, start),
                2 => self.column::<S, R, 2>(simd, start),
                _ => self.column::<S, R, 3>(simd, start),
            };
        }
    }

    /// Computes all outputs of the positions that `V` vectors hold.
    #[inline(always)]
    fn column<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, start: usize) -> usize {
        let conv = self.conv;
        let count = (V * S::F32_LANES).min(self.n - start);
        let group_size = conv.inputs * conv.taps * GROUP;
        for (index, group) in conv.packed.chunks_exact(group_size).enumerate() {
            let mut half = 0;
            while half < GROUP && index * GROUP + half < conv.outputs {
                let sums = tile::<S, R, V>(simd, self.x, start, conv, &group[half..]);
                let first = index * GROUP + half;
                for (sum, output) in sums.iter().zip(first..conv.outputs) {
                    let from = output * self.y.stride + start;
                    let y = &mut self.y.values[from..from + count];
                    store(simd, sum, conv.bias[output], y, self.y.add);
                }
                half += R;
            }
        }
        count
    }
}

#[inline(always)]
fn tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    x: Input<'_>,
    start: usize,
    conv: &Conv,
    weights: &[f32],
) -> [[S::f32s; V]; R] {
    let width = V * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    let mut weights = weights;
    for row in x.values.chunks(x.stride).take(conv.inputs) {
        let mut position = x.from + start;
        for _ in 0..conv.taps {
            let v = S::as_simd_f32s(&row[position..position + width]).0;
            let v: [S::f32s; V] = std::array::from_fn(|index| v[index]);
            let w = &weights[..R];
            for (sum, w) in sums.iter_mut().zip(w) {
                let w = simd.splat_f32s(*w);
                for (sum, v) in sum.iter_mut().zip(v) {
                    *sum = simd.mul_add_e_f32s(w, v, *sum);
                }
            }
            position += conv.dilation;
            weights = weights.get(GROUP..).unwrap_or(&[]);
        }
    }
    sums
}

#[inline(always)]
fn store<S: Simd, const V: usize>(
    simd: S,
    sum: &[S::f32s; V],
    bias: f32,
    y: &mut [f32],
    add: bool,
) {
    let bias = simd.splat_f32s(bias);
    if y.len() == V * S::F32_LANES {
        let y = S::as_mut_simd_f32s(y).0;
        for (y, sum) in y.iter_mut().zip(sum) {
            let sum = simd.add_f32s(*sum, bias);
            *y = if add { simd.add_f32s(*y, sum) } else { sum };
        }
        return;
    }
    let mut whole = [0.0; TILE];
    for (target, sum) in S::as_mut_simd_f32s(&mut whole).0.iter_mut().zip(sum) {
        *target = simd.add_f32s(*sum, bias);
    }
    for (y, sum) in y.iter_mut().zip(whole) {
        *y = if add { *y + sum } else { sum };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::every_arch;

    fn check(shape: [usize; 3], dilation: usize, n: usize) {
        let [outputs, inputs, taps] = shape;
        let value = |i: usize| ((i * 7919) % 101) as f32 / 50.0 - 1.0;
        let weight: Vec<f32> = (0..outputs * inputs * taps).map(value).collect();
        let bias: Vec<f32> = (0..outputs).map(value).collect();
        let conv = Conv::new(&weight, &bias, shape, dilation);
        let stride = n + conv.reach() + TILE;
        let x: Vec<f32> = (0..inputs * stride).map(|i| value(i + 5)).collect();
        let exact = |o: usize, t: usize| {
            let mut sum = 1.0 + f64::from(bias[o]);
            for (i, k) in (0..inputs).flat_map(|i| (0..taps).map(move |k| (i, k))) {
                let w = weight[(o * inputs + i) * taps + k];
                sum += f64::from(w) * f64::from(x[i * stride + t + k * dilation]);
            }
            sum
        };
        for arch in every_arch() {
            let mut y = vec![1.0; outputs * n];
            arch.dispatch(Pass {
                conv: &conv,
                x: Input {
                    values: &x,
                    stride,
                    from: 0,
                },
                y: Output {
                    values: &mut y,
                    stride: n,
                    add: true,
                },
                n,
            });
            for (o, t) in (0..outputs).flat_map(|o| (0..n).map(move |t| (o, t))) {
                assert!(
                    (exact(o, t) - f64::from(y[o * n + t])).abs() < 1e-4,
                    "{arch:?}"
                );
            }
        }
    }

    #[test]
    fn a_tiled_convolution_equals_the_plain_sum() {
        check([8, 4, 3], 1, 48);
        check([16, 5, 7], 3, 101);
        check([1, 16, 7], 1, 50);
        check([12, 3, 1], 1, 7);
        check([9, 2, 3], 2, 48 + 31);
    }
}
