//! The two YAML files of a voice.

mod acoustic;
mod vocoder;

use serde::Deserialize;

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
