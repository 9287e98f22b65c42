//! From files to checked weights.
//!
//! [`find_voices`] finds a package's files, [`Parts`] opens them, and `Model::assemble` makes layers of them. Nothing
//! here trusts a file: sizes are checked before memory is used for them, and a whole voice is loaded within four
//! times the size of its files.

mod budget;
mod bundle;
mod checkpoint;
mod config;
mod dictionaries;
mod error;
mod package;
mod parts;
mod statistics;
mod voice_metadata;
mod weights;

#[cfg(feature = "fuzzing")]
pub(crate) use self::config::Manifest;
pub use self::{bundle::ConvertError, error::LoadError};
pub(crate) use self::{
    bundle::write_bundle,
    checkpoint::{ACOUSTIC_PATHS, VOCODER_PATHS, read_checkpoint},
    config::{
        AcousticConfig, AcousticParams, GeneratorParams, NormType, NsfParams, Shift, VocoderConfig,
    },
    dictionaries::Dictionaries,
    error::both,
    package::{Claims, FoundVoice, Layout, Text, VoiceFiles, find_all_voices, find_voices},
    parts::Parts,
    statistics::Statistics,
    voice_metadata::VoiceMetadata,
    weights::Weights,
};
