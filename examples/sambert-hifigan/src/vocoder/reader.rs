//! Reads a generator's layers from a checkpoint.

use super::{
    residual::ResidualBlock,
    source::{Down, Source},
    stage::Stage,
    upsample::{Branch, Shape, Upsample},
};
use crate::{
    kernel::Conv,
    load::{GeneratorParams, NsfParams, Weights},
};

/// Reads a generator's layers.
pub(super) struct Reader<'a> {
    pub(super) weights: Weights,
    pub(super) p: &'a GeneratorParams,
}

impl Reader<'_> {
    /// Reads a weight, folding weight norm: `v * g / |v|`, the norm over all dimensions but the first.
    fn folded(&self, name: &str, shape: &[usize; 3]) -> Option<Vec<f32>> {
        let stored = format!("{name}.weight_v");
        if !self.weights.has(&stored) {
            return self.weights.values(&format!("{name}.weight"), shape);
        }
        let mut values = self.weights.values(&stored, shape);
        let gains = self
            .weights
            .values(&format!("{name}.weight_g"), &[shape[0], 1, 1])?;
        let values_mut = values.as_mut()?;
        for (row, gain) in values_mut.chunks_exact_mut(shape[1] * shape[2]).zip(&gains) {
            let norm = row
                .iter()
                .map(|v| f64::from(*v) * f64::from(*v))
                .sum::<f64>()
                .sqrt() as f32;
            row.iter_mut()
                .for_each(|v| *v *= gain / norm.max(f32::MIN_POSITIVE));
        }
        values
    }

    fn branch(&self, name: &str, shape: [usize; 3], outputs: usize) -> Option<Branch> {
        let weight = self.folded(name, &shape);
        let bias = self.weights.values(&format!("{name}.bias"), &[outputs]);
        Some(Branch {
            weight: weight?,
            bias: bias?,
            taps: shape[2],
        })
    }

    pub(super) fn conv(&self, name: &str, shape: [usize; 3], dilation: usize) -> Conv {
        match self.branch(name, shape, shape[0]) {
            Some(branch) => Conv::new(&branch.weight, &branch.bias, shape, dilation),
            None => Conv::new(&[], &[], [0, 1, 1], 1),
        }
    }

    pub(super) fn stage(&self, index: usize) -> Stage {
        let p = self.p;
        let (inputs, outputs) = (p.channels >> index, p.channels >> (index + 1));
        let (scale, taps) = (p.upsample_scales[index], p.upsample_kernal_sizes[index]);
        let repeated = format!("repeat_upsamples.{index}.2.conv1d");
        let repeated = self.branch(&repeated, [outputs, inputs, p.kernel_size], outputs);
        let transposed = format!("transpose_upsamples.{index}.1.deconv");
        let transposed = self.branch(&transposed, [inputs, outputs, taps], outputs);
        let count = p.resblock_kernel_sizes.len();
        let shape = Shape {
            inputs,
            outputs,
            scale,
            causal: p.causal,
        };
        let blocks = (0..count)
            .map(|block| self.block(index * count + block, block, outputs))
            .collect();
        let complete = repeated.is_some() && transposed.is_some();
        // Each phase of the output keeps up to three taps, and its outputs are padded.
        let merged = 3 * scale * inputs * outputs.next_multiple_of(8);
        // Without its weights the stage is never run.
        let shape = if complete && self.weights.spend(merged, 0) {
            shape
        } else {
            Shape {
                inputs: 1,
                outputs: 0,
                ..shape
            }
        };
        Stage {
            upsample: Upsample::new(shape, repeated.as_ref(), transposed.as_ref()),
            #[cfg(test)]
            apart: [
                Upsample::new(shape, repeated.as_ref(), None),
                Upsample::new(shape, None, transposed.as_ref()),
            ],
            down: p.nsf_params.is_some().then(|| self.down(index)),
            blocks,
            slope: p.nonlinear_activation_params.negative_slope,
            index,
        }
    }

    fn block(&self, index: usize, kind: usize, channels: usize) -> ResidualBlock {
        let taps = self.p.resblock_kernel_sizes[kind];
        let pair = |(place, dilation): (usize, &usize)| {
            let name = |which: &str| format!("conv_blocks.{index}.{which}.{place}.conv1d");
            let shape = [channels, channels, taps];
            [
                self.conv(&name("convs1"), shape, *dilation),
                self.conv(&name("convs2"), shape, 1),
            ]
        };
        let pairs = self.p.resblock_dilations[kind]
            .iter()
            .enumerate()
            .map(pair)
            .collect();
        ResidualBlock::new(
            pairs,
            self.p.causal,
            self.p.nonlinear_activation_params.negative_slope,
        )
    }

    pub(super) fn source(&self, nsf: &NsfParams) -> Source {
        let harmonics = nsf.nb_harmonics + 1;
        let mix = self
            .folded("source_module.ffn.0", &[1, harmonics, 1])
            .unwrap_or_default();
        let bias = self
            .weights
            .values("source_module.ffn.0.bias", &[1])
            .unwrap_or_default();
        Source {
            mix,
            bias: bias.first().copied().unwrap_or(0.0),
            sampling_rate: nsf.sampling_rate,
        }
    }

    fn down(&self, stage: usize) -> Down {
        let factor: usize = self.p.upsample_scales[stage + 1..].iter().product();
        let channels = self.p.channels >> (stage + 1);
        let taps = if factor == 1 { 1 } else { 2 * factor };
        let left = match (factor, self.p.causal) {
            (1, _) => 0,
            (_, true) => taps - 1,
            (_, false) => factor / 2,
        };
        let name = format!("source_downs.{stage}.conv1d");
        let conv = match self.branch(&name, [channels, 1, taps], channels) {
            Some(branch) => {
                let weight = regrouped(&branch.weight, taps, factor);
                let shape = [channels, factor, taps / factor];
                Conv::new(&weight, &branch.bias, shape, 1)
            }
            None => Conv::new(&[], &[], [0, 1, 1], 1),
        };
        Down { conv, factor, left }
    }
}

/// Reorders `[outputs, taps]` into `[outputs, factor, taps / factor]`: tap `k` belongs to channel `k % factor`.
fn regrouped(weight: &[f32], taps: usize, factor: usize) -> Vec<f32> {
    let few = taps / factor;
    let row = |row: &[f32]| {
        let value = |index: usize| row[index % few * factor + index / few];
        (0..taps).map(value).collect::<Vec<_>>()
    };
    weight.chunks_exact(taps).flat_map(row).collect()
}
