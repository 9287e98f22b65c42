//! The generator as a whole.

use checkpoint::Tensors;

use super::{pqmf::Pqmf, reader::Reader, source::Source, stage::Stage};
use crate::{
    kernel::Conv,
    load::{LoadError, VocoderConfig, Weights},
};

/// HiFi-GAN's generator.
#[derive(Debug)]
pub(crate) struct Vocoder {
    pub(super) first: Conv,
    pub(super) stages: Vec<Stage>,
    pub(super) last: Conv,
    pub(super) source: Option<Source>,
    pub(super) bands: Option<Pqmf>,
    pub(super) causal: bool,
    pub(super) hop: usize,
    parameters: usize,
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
    pub(crate) fn samples_per_frame(&self) -> usize {
        self.hop * self.last.outputs()
    }

    /// Channels a mel frame must have.
    pub(crate) const fn channels(&self) -> usize {
        self.first.inputs() + if self.source.is_some() { 2 } else { 0 }
    }
}
