//! The generator as a whole.

use super::{
    noise::Excitation,
    plane::{Plane, convolve_same},
    pqmf::Pqmf,
    reader::Reader,
    residual::{Buffers, ResidualBlock, mean_of_blocks},
    source::Source,
    upsample::Upsample,
};
use crate::{
    acoustic::{Failure, Mel},
    kernel::{Conv, sine_shift},
    load::{LoadError, Tensors, VocoderConfig, Weights},
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
pub(super) struct Stage {
    pub(super) upsample: Upsample,
    /// The two branches apart, for the tests that compare each with the reference.
    #[cfg(test)]
    pub(super) apart: [Upsample; 2],
    pub(super) blocks: Vec<ResidualBlock>,
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
