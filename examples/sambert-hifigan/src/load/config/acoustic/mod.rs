//! The acoustic model's configuration.

mod params;

use serde::Deserialize;

pub(crate) use self::params::{AcousticParams, NormType, Shift};
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
