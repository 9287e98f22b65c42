//! The two YAML files of a voice.

use serde::Deserialize;

use super::LoadError;

/// No dimension of a real model comes near this; a damaged file must not make one allocate.
const DIMENSION_LIMIT: usize = 16_384;

/// `am/config.yaml`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AcousticConfig {
    #[serde(rename = "Model")]
    model: AcousticModelEntry,
    pub(crate) linguistic_unit: LinguisticUnit,
}

#[derive(Clone, Debug, Deserialize)]
struct AcousticModelEntry {
    #[serde(rename = "KanTtsSAMBERT")]
    sambert: Params<AcousticParams>,
}

#[derive(Clone, Debug, Deserialize)]
struct Params<T> {
    params: T,
}

/// How text becomes units.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LinguisticUnit {
    #[serde(default)]
    pub(crate) lfeat_type_list: String,
    #[serde(default)]
    pub(crate) speaker_list: String,
}

/// The audio format.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct AudioConfig {
    pub(crate) sampling_rate: u32,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self {
            sampling_rate: 16_000,
        }
    }
}

/// A padding shift, one for all layers or one for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Shift {
    All(i64),
    Each(Vec<i64>),
}

impl Shift {
    /// Returns the shift of one layer; only positive shifts count.
    pub(crate) fn of(&self, layer: usize) -> usize {
        let shift = match self {
            Self::All(shift) => *shift,
            Self::Each(shifts) => shifts.get(layer).copied().unwrap_or(0),
        };
        usize::try_from(shift).unwrap_or(0)
    }
}

impl Default for Shift {
    fn default() -> Self {
        Self::All(0)
    }
}

/// The acoustic model's parameters, by the names of the file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AcousticParams {
    pub(crate) max_len: usize,
    pub(crate) embedding_dim: usize,
    pub(crate) encoder_num_layers: usize,
    pub(crate) encoder_num_heads: usize,
    pub(crate) encoder_num_units: usize,
    pub(crate) encoder_ffn_inner_dim: usize,
    pub(crate) encoder_projection_units: usize,
    pub(crate) speaker_units: usize,
    pub(crate) emotion_units: usize,
    pub(crate) predictor_filter_size: usize,
    pub(crate) predictor_fsmn_num_layers: usize,
    pub(crate) predictor_num_memory_units: usize,
    pub(crate) predictor_ffn_inner_dim: usize,
    #[serde(default)]
    pub(crate) predictor_shift: Shift,
    pub(crate) predictor_lstm_units: usize,
    pub(crate) dur_pred_prenet_units: Vec<usize>,
    pub(crate) dur_pred_lstm_units: usize,
    pub(crate) decoder_prenet_units: Vec<usize>,
    pub(crate) decoder_num_layers: usize,
    pub(crate) decoder_num_heads: usize,
    pub(crate) decoder_num_units: usize,
    pub(crate) decoder_ffn_inner_dim: usize,
    pub(crate) outputs_per_step: usize,
    pub(crate) num_mels: usize,
    pub(crate) postnet_filter_size: usize,
    pub(crate) postnet_fsmn_num_layers: usize,
    pub(crate) postnet_num_memory_units: usize,
    pub(crate) postnet_ffn_inner_dim: usize,
    #[serde(default)]
    pub(crate) postnet_shift: Shift,
    pub(crate) postnet_lstm_units: usize,
    #[serde(default, rename = "NSF")]
    pub(crate) nsf: bool,
    #[serde(default, rename = "SE")]
    pub(crate) se: bool,
    #[serde(default, rename = "FP")]
    pub(crate) fp: bool,
    #[serde(default)]
    pub(crate) using_byte: bool,
    #[serde(default)]
    pub(crate) nsf_norm_type: NormType,
    #[serde(default = "default_minimum")]
    pub(crate) nsf_f0_global_minimum: f32,
    #[serde(default = "default_maximum")]
    pub(crate) nsf_f0_global_maximum: f32,
}

/// How the fundamental frequency was normalized.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NormType {
    Global,
    #[default]
    MeanStd,
}

const fn default_minimum() -> f32 {
    30.0
}

const fn default_maximum() -> f32 {
    730.0
}

impl AcousticConfig {
    /// Parses and checks the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        let config: Self = parse(file, text)?;
        let p = config.params();
        let sizes = [
            p.max_len,
            p.embedding_dim,
            p.encoder_num_layers,
            p.encoder_num_heads,
            p.encoder_num_units,
            p.encoder_ffn_inner_dim,
            p.encoder_projection_units,
            p.speaker_units,
            p.emotion_units,
            p.predictor_filter_size,
            p.predictor_fsmn_num_layers,
            p.predictor_num_memory_units,
            p.predictor_ffn_inner_dim,
            p.predictor_lstm_units,
            p.dur_pred_lstm_units,
            p.decoder_num_layers,
            p.decoder_num_heads,
            p.decoder_num_units,
            p.decoder_ffn_inner_dim,
            p.outputs_per_step,
            p.num_mels,
            p.postnet_filter_size,
            p.postnet_fsmn_num_layers,
            p.postnet_num_memory_units,
            p.postnet_ffn_inner_dim,
            p.postnet_lstm_units,
        ];
        let lists = p
            .dur_pred_prenet_units
            .iter()
            .chain(&p.decoder_prenet_units);
        check_sizes(file, sizes.iter().chain(lists))?;
        let divides = p.encoder_num_units.is_multiple_of(p.encoder_num_heads)
            && p.decoder_num_units.is_multiple_of(p.decoder_num_heads)
            && p.embedding_dim.is_multiple_of(2)
            && p.embedding_dim > 2;
        let filters = [p.predictor_filter_size, p.postnet_filter_size]
            .iter()
            .all(|size| size % 2 == 1);
        let prenets = !p.dur_pred_prenet_units.is_empty() && !p.decoder_prenet_units.is_empty();
        let channels = p.num_mels > if p.nsf { 2 } else { 0 };
        if !(divides && filters && prenets && channels) {
            return Err(LoadError::new(
                file,
                "heads, filters, prenets or mel channels do not fit together",
            ));
        }
        Ok(config)
    }

    pub(crate) const fn params(&self) -> &AcousticParams {
        &self.model.sambert.params
    }
}

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
            && p.channels.is_multiple_of(1 << stages)
            && p.nsf_params
                .as_ref()
                .is_none_or(|nsf| (1..=256).contains(&nsf.nb_harmonics) && nsf.sampling_rate > 0);
        let hop = p
            .upsample_scales
            .iter()
            .try_fold(p.out_channels, |hop, scale| hop.checked_mul(*scale));
        if !fits || hop.is_none_or(|hop| hop > DIMENSION_LIMIT) {
            return Err(LoadError::new(
                file,
                "scales, kernels, dilations or channels do not fit together",
            ));
        }
        Ok(config)
    }

    pub(crate) const fn params(&self) -> &GeneratorParams {
        &self.model.generator.params
    }
}

fn parse<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, LoadError> {
    serde_saphyr::from_str(text).map_err(|error| LoadError::new(file, error.to_string()))
}

fn check_sizes<'a>(
    file: &str,
    mut sizes: impl Iterator<Item = &'a usize>,
) -> Result<(), LoadError> {
    if sizes.any(|size| !(1..=DIMENSION_LIMIT).contains(size)) {
        let problem = format!("a size is zero or above {DIMENSION_LIMIT}");
        return Err(LoadError::new(file, problem));
    }
    Ok(())
}
