//! The generator as a whole.

use super::{
    noise::Excitation,
    plane::{Plane, convolve_same},
    pqmf::Pqmf,
    residual::{Buffers, ResidualBlock, mean_of_blocks},
    source::{Down, Source},
    upsample::{Branch, Shape, Upsample},
};
use crate::{
    acoustic::{Failure, Mel},
    kernel::{Conv, Linear, sine_shift},
    load::{GeneratorParams, LoadError, NsfParams, Tensors, VocoderConfig, Weights},
    probe::Probe,
    stop::StopSignal,
};

/// Slope before the last convolution: the default of the framework, unlike everywhere else.
const LAST_SLOPE: f32 = 0.01;

/// HiFi-GAN's generator.
#[derive(Debug)]
pub(crate) struct Vocoder {
    first: Conv,
    stages: Vec<Stage>,
    last: Conv,
    source: Option<Source>,
    bands: Option<Pqmf>,
    slope: f32,
    causal: bool,
    hop: usize,
    parameters: usize,
}

#[derive(Debug)]
struct Stage {
    upsample: Upsample,
    /// The two branches apart, for the tests that compare each with the reference.
    #[cfg(test)]
    apart: [Upsample; 2],
    blocks: Vec<ResidualBlock>,
}

impl Vocoder {
    /// Builds the generator from a checkpoint's tensors, weight norm folded or not.
    pub(crate) fn load(
        file: &str,
        config: &VocoderConfig,
        tensors: Tensors,
    ) -> Result<Self, LoadError> {
        let p = config.params();
        let read = Reader {
            weights: Weights::new(file, tensors),
            p,
        };
        let stages = (0..p.upsample_scales.len())
            .map(|index| read.stage(index))
            .collect();
        let first = read.conv(
            "conv_pre.conv1d",
            [p.channels, p.in_channels, p.kernel_size],
            1,
        );
        let narrow = p.channels >> p.upsample_scales.len();
        let last = read.conv(
            "conv_post.conv1d",
            [p.out_channels, narrow, p.kernel_size],
            1,
        );
        let source = p.nsf_params.as_ref().map(|nsf| read.source(nsf));
        let model = Self {
            first,
            stages,
            last,
            source,
            bands: (p.out_channels > 1).then(|| Pqmf::new(p.out_channels)),
            slope: p.nonlinear_activation_params.negative_slope,
            causal: p.causal,
            hop: p.upsample_scales.iter().product(),
            parameters: read.weights.parameters(),
        };
        read.weights.finish()?;
        Ok(model)
    }

    /// Returns the number of weights.
    pub(crate) const fn parameters(&self) -> usize {
        self.parameters
    }

    /// Returns the samples made of one frame.
    #[cfg(test)]
    pub(crate) fn samples_per_frame(&self) -> usize {
        self.hop * self.last.outputs()
    }

    /// Channels a mel frame must have.
    pub(crate) const fn channels(&self) -> usize {
        self.first.inputs() + if self.source.is_some() { 2 } else { 0 }
    }

    /// Speaks frames as samples between -1 and 1.
    ///
    /// # Errors
    ///
    /// When told to stop.
    pub(crate) fn run(
        &self,
        mel: &Mel,
        random: &mut dyn Excitation,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) -> Result<Vec<f32>, Failure> {
        let rows = transposed(mel);
        let check = || {
            if stop.is_set() {
                Err(Failure::Cancelled)
            } else {
                Ok(())
            }
        };
        check()?;
        let excitation = self.source.as_ref().map(|source| {
            let voicing = rows
                .values
                .rchunks_exact(rows.length)
                .next()
                .unwrap_or_default();
            let pitch = rows
                .values
                .rchunks_exact(rows.length)
                .nth(1)
                .unwrap_or_default();
            let excitation = source.excite(pitch, voicing, self.hop, random, probe);
            probe.see("excitation", &excitation);
            (source, excitation)
        });
        check()?;
        let mut x = convolve_same(&self.first, &self.input(rows), 1.0, self.causal);
        probe.see("conv_pre", &x.values);
        let mut buffers = Buffers::new();
        for (index, stage) in self.stages.iter().enumerate() {
            check()?;
            sine_shift(&mut x.values);
            #[cfg(test)]
            if probe.is_active() {
                probe.see(
                    &format!("rep_{index}"),
                    &stage.apart[0].run(&x, self.slope).values,
                );
                probe.see(
                    &format!("up_{index}"),
                    &stage.apart[1].run(&x, self.slope).values,
                );
            }
            x = stage.upsample.run(&x, self.slope);
            if let Some((source, excitation)) = &excitation {
                source.add_to(index, excitation, &mut x, probe);
            }
            let mean = mean_of_blocks(&stage.blocks, &x, &mut buffers, || !stop.is_set());
            x = mean.ok_or(Failure::Cancelled)?;
            probe.see(&format!("stage_{index}"), &x.values);
        }
        let mut y = convolve_same(&self.last, &x, LAST_SLOPE, self.causal);
        probe.see("conv_post", &y.values);
        y.values.iter_mut().for_each(|value| *value = value.tanh());
        let samples = match &self.bands {
            Some(bands) => {
                probe.see("subbands", &y.values);
                bands.synthesize(&y)
            }
            None => y.values,
        };
        probe.see("wav", &samples);
        Ok(samples)
    }

    /// Drops pitch and voicing: the first convolution reads mel channels only.
    fn input(&self, mut rows: Plane) -> Plane {
        rows.channels = self.first.inputs();
        rows.values.truncate(rows.channels * rows.length);
        rows
    }
}

/// Turns `[frames, channels]` into rows of channels.
fn transposed(mel: &Mel) -> Plane {
    let frames = mel.values.len() / mel.channels;
    let value = |index: usize| mel.values[index % frames * mel.channels + index / frames];
    Plane {
        channels: mel.channels,
        length: frames,
        values: (0..mel.values.len()).map(value).collect(),
    }
}

/// Reads a generator's layers.
struct Reader<'a> {
    weights: Weights,
    p: &'a GeneratorParams,
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

    fn conv(&self, name: &str, shape: [usize; 3], dilation: usize) -> Conv {
        match self.branch(name, shape, shape[0]) {
            Some(branch) => Conv::new(&branch.weight, &branch.bias, shape, dilation),
            None => Conv::new(&[], &[], [0, 1, 1], 1),
        }
    }

    fn stage(&self, index: usize) -> Stage {
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
        // Without its weights the stage is never run.
        let shape = if repeated.is_some() && transposed.is_some() {
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
            blocks,
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

    fn source(&self, nsf: &NsfParams) -> Source {
        let harmonics = nsf.nb_harmonics + 1;
        let mix = self
            .folded("source_module.ffn.0", &[1, harmonics, 1])
            .unwrap_or_default();
        let bias = self
            .weights
            .values("source_module.ffn.0.bias", &[1])
            .unwrap_or_default();
        let scales = &self.p.upsample_scales;
        let down = |stage: usize| {
            let factor: usize = scales[stage + 1..].iter().product();
            let channels = self.p.channels >> (stage + 1);
            let taps = if factor == 1 { 1 } else { 2 * factor };
            let left = match (factor, self.p.causal) {
                (1, _) => 0,
                (_, true) => taps - 1,
                (_, false) => factor / 2,
            };
            let branch = self.branch(
                &format!("source_downs.{stage}.conv1d"),
                [channels, 1, taps],
                channels,
            );
            let linear = match branch {
                Some(branch) => Linear::new(&branch.weight, Some(&branch.bias), channels, taps),
                None => Linear::new(&[], None, 0, 1),
            };
            Down {
                linear,
                factor,
                left,
            }
        };
        let downs = (0..scales.len()).map(down).collect();
        Source::new(
            mix,
            bias.first().copied().unwrap_or(0.0),
            nsf.sampling_rate,
            downs,
        )
    }
}
