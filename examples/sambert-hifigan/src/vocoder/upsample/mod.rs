//! Upsampling by a whole factor, as one convolution for each phase of the output.
//!
//! The reference adds two branches: a convolution over the repeated signal and a transposed convolution. At
//! each of the `scale` output phases both read only a few input positions, so their weights are summed once,
//! at load time, into one short convolution per phase. That is a third to a fifth of the arithmetic, and
//! neither a repeated signal nor a stuffed one is ever written.

mod taps;

use self::taps::Taps;
use super::{history::History, plane::Plane};
use crate::kernel::Conv;

/// Input positions of one phase computed at a time.
const PART: usize = 240;

/// A weight of shape `[outputs, inputs, taps]` or, transposed, `[inputs, outputs, taps]`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) taps: usize,
}

/// The channels and the factor of an upsampling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) scale: usize,
    pub(crate) causal: bool,
}

/// One stage's upsampling.
#[derive(Debug)]
pub(crate) struct Upsample {
    shape: Shape,
    phases: Vec<Phase>,
    left: usize,
    right: usize,
}

#[derive(Debug)]
struct Phase {
    conv: Conv,
    /// The first input position the phase reads, relative to its own.
    first: isize,
}

impl Upsample {
    /// Merges the branch over the repeated signal and the transposed branch; either may be left out.
    pub(crate) fn new(
        shape: Shape,
        repeated: Option<&Branch>,
        transposed: Option<&Branch>,
    ) -> Self {
        let mut bias = vec![0.0; shape.outputs];
        for branch in [repeated, transposed].into_iter().flatten() {
            bias.iter_mut()
                .zip(&branch.bias)
                .for_each(|(sum, bias)| *sum += bias);
        }
        let phases: Vec<_> = (0..shape.scale)
            .map(|phase| {
                let taps = Taps::of(shape, phase, repeated, transposed);
                let sizes = [shape.outputs, shape.inputs, taps.count];
                Phase {
                    conv: Conv::new(&taps.weight, &bias, sizes, 1),
                    first: taps.first,
                }
            })
            .collect();
        let left = phases
            .iter()
            .map(|phase| (-phase.first).max(0) as usize)
            .max()
            .unwrap_or(0);
        let end = |phase: &Phase| (phase.first + phase.conv.reach() as isize).max(0) as usize;
        let right = phases.iter().map(end).max().unwrap_or(0);
        Self {
            shape,
            phases,
            left,
            right,
        }
    }

    pub(super) const fn outputs(&self) -> usize {
        self.shape.outputs
    }

    pub(super) fn start(&self) -> History {
        History::new(self.shape.inputs, self.left)
    }

    /// Upsamples the next piece of a signal, rectified first.
    pub(super) fn push(&self, history: &mut History, x: &Plane, slope: f32, end: bool) -> Plane {
        let Shape { outputs, scale, .. } = self.shape;
        let (mut joined, mut one) = (Plane::default(), Plane::default());
        history.join(x, slope, if end { self.right } else { 0 }, &mut joined);
        let ready = joined.length.saturating_sub(self.left + self.right);
        history.keep(&joined, ready);
        let mut y = Plane::zeros(outputs, ready * scale);
        for start in (0..ready).step_by(PART) {
            let count = PART.min(ready - start);
            for (index, phase) in self.phases.iter().enumerate() {
                let from = (self.left + start).saturating_add_signed(phase.first);
                one.convolve(&phase.conv, &joined, from, count);
                for (y, one) in y.rows_mut().zip(one.rows()) {
                    let targets = y[start * scale + index..].iter_mut().step_by(scale);
                    targets.zip(one).for_each(|(y, value)| *y = *value);
                }
            }
        }
        y
    }

    /// Upsamples a whole signal.
    #[cfg(test)]
    pub(super) fn run(&self, x: &Plane, slope: f32) -> Plane {
        self.push(&mut self.start(), x, slope, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOPE: f32 = 0.1;

    fn value(i: usize) -> f32 {
        ((i * 7919) % 101) as f32 / 50.0 - 1.0
    }

    fn branch(outputs: usize, inputs: usize, taps: usize, from: usize) -> Branch {
        let weight = (0..outputs * inputs * taps)
            .map(|i| value(i + from))
            .collect();
        Branch {
            weight,
            bias: (0..outputs).map(value).collect(),
            taps,
        }
    }

    /// Both branches as the reference computes them: repeat and convolve, stuff and convolve, cut, add.
    fn plainly(shape: Shape, repeated: &Branch, transposed: &Branch, x: &Plane) -> Vec<f64> {
        let Shape {
            inputs,
            outputs,
            scale,
            causal,
        } = shape;
        let length = x.length * scale;
        let leaky = |x: f32| f64::from(if x > 0.0 { x } else { SLOPE * x });
        let mut y = vec![0.0; outputs * length];
        let (left, cut) = match causal {
            true => (repeated.taps - 1, 0),
            false => ((repeated.taps - 1) / 2, (transposed.taps - scale) / 2),
        };
        for output in 0..outputs {
            let y = &mut y[output * length..][..length];
            y.fill(f64::from(repeated.bias[output]) + f64::from(transposed.bias[output]));
            for input in 0..inputs {
                let x: Vec<f64> = x
                    .rows()
                    .nth(input)
                    .unwrap()
                    .iter()
                    .map(|x| leaky(*x))
                    .collect();
                let row = &repeated.weight[(output * inputs + input) * repeated.taps..];
                for (t, k) in (0..length).flat_map(|t| (0..repeated.taps).map(move |k| (t, k))) {
                    let at = (t + k).checked_sub(left).filter(|at| *at < length);
                    y[t] += at.map_or(0.0, |at| x[at / scale] * f64::from(row[k]));
                }
                let row = &transposed.weight[(input * outputs + output) * transposed.taps..];
                for (i, k) in (0..x.len()).flat_map(|i| (0..transposed.taps).map(move |k| (i, k))) {
                    if let Some(y) = (i * scale + k).checked_sub(cut).and_then(|t| y.get_mut(t)) {
                        *y += x[i] * f64::from(row[k]);
                    }
                }
            }
        }
        y
    }

    fn check(scale: usize, taps: usize, causal: bool, length: usize) {
        let shape = Shape {
            inputs: 3,
            outputs: 5,
            scale,
            causal,
        };
        let (repeated, transposed) = (branch(5, 3, 7, 0), branch(3, 5, taps, 9));
        let transposed = Branch {
            bias: (0..5).map(value).collect(),
            ..transposed
        };
        let mut x = Plane::zeros(3, length);
        x.rows_mut()
            .flatten()
            .enumerate()
            .for_each(|(i, x)| *x = value(i + 3));
        let merged = Upsample::new(shape, Some(&repeated), Some(&transposed)).run(&x, SLOPE);
        let exact = plainly(shape, &repeated, &transposed, &x);
        let merged = merged.joined();
        assert_eq!(merged.len(), exact.len());
        for (ours, exact) in merged.iter().zip(exact) {
            assert!(
                (f64::from(*ours) - exact).abs() < 1e-4,
                "{scale} {taps} {causal}"
            );
        }
    }

    #[test]
    fn merged_phases_equal_both_branches_also_beyond_one_part() {
        for causal in [false, true] {
            check(10, 20, causal, 2 * PART + 17);
            check(5, 11, causal, PART + 1);
            check(4, 8, causal, 3);
            check(2, 4, causal, 1);
            check(3, 6, causal, PART);
        }
    }
}
