//! The two YAML files of a voice.

mod acoustic;
mod manifest;
mod vocoder;

use serde::{Deserialize, de::IgnoredAny};

pub(crate) use self::manifest::{Custom, Manifest};
pub(crate) use self::{
    acoustic::{AcousticConfig, AcousticParams, NormType, Shift},
    vocoder::{GeneratorParams, NsfParams, VocoderConfig},
};

use super::LoadError;

/// No dimension of a real model comes near this; a damaged file must not make one allocate.
const DIMENSION_LIMIT: usize = 16_384;

/// What lies under `params`.
#[derive(Clone, Debug, Deserialize)]
struct Params<T> {
    params: T,
}

/// No model comes near so many layers of one kind.
const LAYER_LIMIT: usize = 64;

/// The audio format, as far as a file tells it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct AudioConfig {
    #[serde(default)]
    pub(crate) sampling_rate: Option<u32>,
    #[serde(default)]
    pub(crate) hop_length: Option<usize>,
}

/// `audio_config.yaml`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct AudioFile {
    #[serde(default)]
    pub(crate) audio_config: AudioConfig,
}

impl AudioFile {
    /// Parses the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        parse(file, text)
    }
}

/// What a configuration configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelKind {
    Acoustic,
    Vocoder,
}

#[derive(Deserialize)]
struct Kinds {
    #[serde(rename = "Model")]
    model: KindEntries,
}

#[derive(Deserialize)]
struct KindEntries {
    #[serde(default, rename = "KanTtsSAMBERT")]
    acoustic: Option<IgnoredAny>,
    #[serde(default, rename = "Generator")]
    vocoder: Option<IgnoredAny>,
}

impl ModelKind {
    /// Tells which model a configuration is of.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let kinds: Kinds = parse("config.yaml", text).ok()?;
        match (kinds.model.acoustic, kinds.model.vocoder) {
            (Some(_), None) => Some(Self::Acoustic),
            (None, Some(_)) => Some(Self::Vocoder),
            _ => None,
        }
    }
}

/// Reads a file of a few hundred lines. References within it may repeat a list, but not without end.
fn parse<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, LoadError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 10_000,
            max_nodes: 10_000,
            max_aliases: 64,
            max_anchors: 64,
            max_recorded_anchor_events: 1_000,
            max_recorded_anchor_bytes: 32 << 10,
            max_total_scalar_bytes: 64 << 10,
            max_documents: 1,
        },
        // An error is a line, and shows nothing of a file that was taken for a configuration.
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| LoadError::new(file, error.to_string()))
}

fn check_sizes<'a>(
    file: &str,
    mut sizes: impl Iterator<Item = &'a usize>,
) -> Result<(), LoadError> {
    if sizes.any(|size| !(1..=DIMENSION_LIMIT).contains(size)) {
        let problem = format!("a size is 0 or larger than {DIMENSION_LIMIT}");
        return Err(LoadError::new(file, problem));
    }
    Ok(())
}
