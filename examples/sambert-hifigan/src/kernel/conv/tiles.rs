//! A convolution tile by tile: a few channels by a few vectors of time, kept in registers.

use pulp::{Simd, WithSimd};

use super::{Conv, GROUP, Input, Output, TILE};

/// One convolution over one signal.
pub(super) struct Pass<'a> {
    pub(super) conv: &'a Conv,
    pub(super) x: Input<'a>,
    pub(super) y: Output<'a>,
    pub(super) n: usize,
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
