//! Dilated convolution over long signals.

mod tiles;

use pulp::Arch;

use self::tiles::Pass;

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
