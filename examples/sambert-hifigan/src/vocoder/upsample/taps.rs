//! Which inputs the taps of both branches read at one phase of the output.

use super::{Branch, Shape};

/// The summed taps of one phase by input offset.
pub(super) struct Taps {
    pub(super) first: isize,
    /// `[outputs, inputs, count]`.
    pub(super) weight: Vec<f32>,
    pub(super) count: usize,
}

impl Taps {
    pub(super) fn of(
        shape: Shape,
        phase: usize,
        repeated: Option<&Branch>,
        transposed: Option<&Branch>,
    ) -> Self {
        let repeats = repeated
            .map(|branch| repeat_offsets(shape, phase, branch.taps))
            .unwrap_or_default();
        let stuffed = transposed
            .map(|branch| transposed_offsets(shape, phase, branch.taps))
            .unwrap_or_default();
        let all = || repeats.iter().chain(&stuffed).map(|(_, offset)| *offset);
        let first = all().min().unwrap_or(0);
        let count = (all().max().unwrap_or(first) - first) as usize + 1;
        let mut weight = vec![0.0; shape.outputs * shape.inputs * count];
        for output in 0..shape.outputs {
            for input in 0..shape.inputs {
                let target = &mut weight[(output * shape.inputs + input) * count..][..count];
                if let Some(branch) = repeated {
                    let row = &branch.weight[(output * shape.inputs + input) * branch.taps..];
                    repeats
                        .iter()
                        .for_each(|(tap, offset)| target[(offset - first) as usize] += row[*tap]);
                }
                if let Some(branch) = transposed {
                    let row = &branch.weight[(input * shape.outputs + output) * branch.taps..];
                    stuffed
                        .iter()
                        .for_each(|(tap, offset)| target[(offset - first) as usize] += row[*tap]);
                }
            }
        }
        Self {
            first,
            weight,
            count,
        }
    }
}

/// Which input each tap reads when the signal is repeated first.
fn repeat_offsets(shape: Shape, phase: usize, taps: usize) -> Vec<(usize, isize)> {
    let left = if shape.causal {
        taps - 1
    } else {
        (taps - 1) / 2
    };
    let position = |tap: usize| (phase + tap) as isize - left as isize;
    (0..taps)
        .map(|tap| (tap, position(tap).div_euclid(shape.scale as isize)))
        .collect()
}

/// Which taps of a transposed convolution reach an output of this phase, and from which input.
fn transposed_offsets(shape: Shape, phase: usize, taps: usize) -> Vec<(usize, isize)> {
    let padding = if shape.causal {
        0
    } else {
        (taps - shape.scale) / 2
    };
    let reaches = |tap: usize| {
        let distance = (phase + padding) as isize - tap as isize;
        (distance.rem_euclid(shape.scale as isize) == 0)
            .then(|| (tap, distance.div_euclid(shape.scale as isize)))
    };
    (0..taps).filter_map(reaches).collect()
}
