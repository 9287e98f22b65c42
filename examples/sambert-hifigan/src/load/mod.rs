//! From files to checked weights.
//!
//! [`find_voices`] finds a package's files, [`Parts`] opens them, and `Model::assemble` makes layers of them. Nothing
//! here trusts a file: sizes are checked before memory is used for them, and a whole voice is loaded within four
//! times the size of its files.

mod about;
mod budget;
mod bundle;
mod checkpoint;
mod config;
mod dictionaries;
mod error;
mod npy;
mod package;
mod parts;
mod pickle;
mod statistics;
mod weights;

#[cfg(feature = "fuzzing")]
pub(crate) use self::config::Manifest;
pub(crate) use self::{
    about::About,
    bundle::write_bundle,
    checkpoint::{ACOUSTIC_PATHS, Source, Tensors, VOCODER_PATHS, read_checkpoint},
    config::{
        AcousticConfig, AcousticParams, GeneratorParams, NormType, NsfParams, Shift, VocoderConfig,
    },
    dictionaries::Dictionaries,
    error::both,
    npy::read_npy,
    package::{Claims, Found, Layout, Text, VoiceFiles, find_all_voices, find_voices},
    parts::Parts,
    statistics::Statistics,
    weights::Weights,
};
pub use self::{bundle::ConvertError, error::LoadError};
