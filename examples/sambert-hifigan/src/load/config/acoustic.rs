//! The acoustic model's configuration.

use serde::Deserialize;

use super::{AudioConfig, LAYER_LIMIT, Params, check_sizes, parse};
use crate::load::LoadError;

/// `am/config.yaml`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AcousticConfig {
    #[serde(rename = "Model")]
    model: AcousticModelEntry,
    pub(crate) linguistic_unit: LinguisticUnit,
    #[serde(default)]
    pub(crate) audio_config: AudioConfig,
}

#[derive(Clone, Debug, Deserialize)]
struct AcousticModelEntry {
    #[serde(rename = "KanTtsSAMBERT")]
    sambert: Params<AcousticParams>,
}

/// How text becomes units.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LinguisticUnit {
    #[serde(default)]
    pub(crate) lfeat_type_list: String,
    #[serde(default)]
    pub(crate) speaker_list: String,
    /// Whether the embeddings have a row for masked units; the checkpoint decides.
    #[serde(default)]
    pub(crate) has_mask: Option<bool>,
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
    /// Training aligned by attention; nothing of it is left when speaking.
    #[serde(default, rename = "MAS")]
    pub(crate) mas: bool,
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
        let mut config: Self = parse(file, text)?;
        let reads_bytes = config
            .linguistic_unit
            .lfeat_type_list
            .contains("byte_index");
        config.model.sambert.params.using_byte |= reads_bytes;
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
        let layers = [
            p.encoder_num_layers,
            p.predictor_fsmn_num_layers,
            p.decoder_num_layers,
            p.postnet_fsmn_num_layers,
            p.dur_pred_prenet_units.len(),
            p.decoder_prenet_units.len(),
        ];
        if layers.iter().any(|count| *count > LAYER_LIMIT) {
            return Err(LoadError::new(
                file,
                format!("more than {LAYER_LIMIT} layers"),
            ));
        }
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
