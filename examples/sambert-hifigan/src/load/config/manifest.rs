//! `configuration.json` of a ModelScope package; until 2022 it held what is in the two YAML files since.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::load::LoadError;

/// What is read of the file.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Manifest {
    #[serde(default)]
    model: Model,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Model {
    #[serde(default)]
    sample_rate: Option<u32>,
    #[serde(default)]
    am: Map<String, Value>,
    #[serde(default)]
    vocoder: Map<String, Value>,
    #[serde(default)]
    custom_ckpt: Option<Custom>,
}

/// A voice whose files lie anywhere.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Custom {
    pub(crate) voice_name: String,
    pub(crate) am_ckpt: PathBuf,
    pub(crate) voc_ckpt: PathBuf,
    pub(crate) am_config: PathBuf,
    pub(crate) voc_config: PathBuf,
    #[serde(default = "audio_config")]
    pub(crate) audio_config: PathBuf,
    #[serde(default = "se_file")]
    pub(crate) se_file: PathBuf,
    #[serde(default = "mvn_file")]
    pub(crate) mvn_file: PathBuf,
}

fn audio_config() -> PathBuf {
    "audio_config.yaml".into()
}

fn se_file() -> PathBuf {
    "se.npy".into()
}

fn mvn_file() -> PathBuf {
    "mvn.npy".into()
}

impl Manifest {
    /// Parses the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        serde_json::from_str(text).map_err(|error| LoadError::new(file, error.to_string()))
    }

    pub(crate) const fn sample_rate(&self) -> Option<u32> {
        self.model.sample_rate
    }

    /// Tells whether the embeddings have a row for masked units, where the file says.
    pub(crate) fn has_mask(&self) -> Option<bool> {
        self.model
            .am
            .get("linguistic_unit")?
            .get("has_mask")?
            .as_bool()
    }

    pub(crate) const fn custom(&self) -> Option<&Custom> {
        self.model.custom_ckpt.as_ref()
    }

    /// Returns the acoustic model's configuration in today's form; JSON is YAML.
    pub(crate) fn acoustic_config(&self) -> Option<String> {
        let params = self.model.am.get("am")?;
        let unit = self.model.am.get("linguistic_unit")?;
        let config = json!({
            "Model": { "KanTtsSAMBERT": { "params": params } },
            "linguistic_unit": {
                "lfeat_type_list": unit.get("lfeat_type_list").and_then(Value::as_str).unwrap_or_default(),
                "speaker_list": unit.get("speaker_list").and_then(Value::as_str).unwrap_or_default(),
                "has_mask": unit.get("has_mask"),
            },
        });
        Some(config.to_string())
    }

    /// Returns the vocoder's configuration in today's form. Its generator was causal.
    pub(crate) fn vocoder_config(&self) -> Option<String> {
        let old = |name: &str| self.model.vocoder.get(name);
        let config = json!({
            "Model": { "Generator": { "params": {
                "in_channels": old("num_mels").unwrap_or(&json!(80)),
                "channels": old("upsample_initial_channel")?,
                "upsample_scales": old("upsample_rates")?,
                "upsample_kernal_sizes": old("upsample_kernel_sizes")?,
                "resblock_kernel_sizes": old("resblock_kernel_sizes")?,
                "resblock_dilations": old("resblock_dilation_sizes")?,
                "causal": true,
            } } },
            "audio_config": {
                "sampling_rate": old("sampling_rate"),
                "hop_length": old("hop_size"),
            },
        });
        Some(config.to_string())
    }
}
