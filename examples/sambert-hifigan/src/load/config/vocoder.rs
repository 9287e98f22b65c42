//! The vocoder's configuration.

use serde::Deserialize;

use super::{AudioConfig, Params, check_sizes, parse};
use crate::load::LoadError;

/// No generator has more residual blocks at a stage, nor more layers in one.
const BLOCK_LIMIT: usize = 8;

/// No frame has more samples; those of 48 kHz have 600.
const HOP_LIMIT: usize = 4096;

/// `voc/config.yaml`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VocoderConfig {
    #[serde(rename = "Model")]
    model: GeneratorEntry,
    #[serde(default)]
    pub(crate) audio_config: AudioConfig,
}

#[derive(Clone, Debug, Deserialize)]
struct GeneratorEntry {
    #[serde(rename = "Generator")]
    generator: Params<GeneratorParams>,
}

/// The generator's parameters, by the names of the file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GeneratorParams {
    pub(crate) in_channels: usize,
    #[serde(default = "one")]
    pub(crate) out_channels: usize,
    pub(crate) channels: usize,
    #[serde(default = "seven")]
    pub(crate) kernel_size: usize,
    pub(crate) upsample_scales: Vec<usize>,
    pub(crate) upsample_kernal_sizes: Vec<usize>,
    pub(crate) resblock_kernel_sizes: Vec<usize>,
    pub(crate) resblock_dilations: Vec<Vec<usize>>,
    #[serde(default = "yes")]
    pub(crate) causal: bool,
    #[serde(default)]
    pub(crate) nonlinear_activation_params: ActivationParams,
    #[serde(default)]
    pub(crate) nsf_params: Option<NsfParams>,
}

/// The slope of the leaky rectifier.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct ActivationParams {
    pub(crate) negative_slope: f32,
}

impl Default for ActivationParams {
    fn default() -> Self {
        Self {
            negative_slope: 0.1,
        }
    }
}

/// The neural source filter's parameters.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NsfParams {
    pub(crate) nb_harmonics: usize,
    pub(crate) sampling_rate: u32,
}

const fn one() -> usize {
    1
}

const fn seven() -> usize {
    7
}

const fn yes() -> bool {
    true
}

impl VocoderConfig {
    /// Parses and checks the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        let config: Self = parse(file, text)?;
        let p = config.params();
        let single = [p.in_channels, p.out_channels, p.channels, p.kernel_size];
        let lists = p
            .upsample_scales
            .iter()
            .chain(&p.upsample_kernal_sizes)
            .chain(&p.resblock_kernel_sizes);
        check_sizes(
            file,
            single
                .iter()
                .chain(lists)
                .chain(p.resblock_dilations.iter().flatten()),
        )?;
        let stages = p.upsample_scales.len();
        let fits = stages == p.upsample_kernal_sizes.len()
            && (1..=8).contains(&stages)
            && p.upsample_scales
                .iter()
                .zip(&p.upsample_kernal_sizes)
                .all(|(scale, kernel)| kernel >= scale)
            && p.resblock_kernel_sizes.len() == p.resblock_dilations.len()
            && !p.resblock_kernel_sizes.is_empty()
            && p.resblock_kernel_sizes
                .iter()
                .chain([&p.kernel_size])
                .all(|kernel| kernel % 2 == 1)
            && p.resblock_kernel_sizes.len() <= BLOCK_LIMIT
            && p.resblock_dilations
                .iter()
                .all(|dilations| dilations.len() <= BLOCK_LIMIT)
            && p.channels.is_multiple_of(1 << stages)
            && p.nsf_params
                .as_ref()
                .is_none_or(|nsf| (1..=256).contains(&nsf.nb_harmonics) && nsf.sampling_rate > 0);
        let hop = p
            .upsample_scales
            .iter()
            .try_fold(p.out_channels, |hop, scale| hop.checked_mul(*scale));
        if !fits || hop.is_none_or(|hop| hop > HOP_LIMIT) {
            return Err(LoadError::new(
                file,
                "scales, kernels, dilations or channels do not fit together",
            ));
        }
        Ok(config)
    }

    /// Returns how many samples the generator makes of a frame.
    pub(crate) fn samples_per_frame(&self) -> usize {
        let p = self.params();
        p.upsample_scales.iter().product::<usize>() * p.out_channels
    }

    pub(crate) const fn params(&self) -> &GeneratorParams {
        &self.model.generator.params
    }
}
