//! The parameters, by the names of the file.

use serde::Deserialize;

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
