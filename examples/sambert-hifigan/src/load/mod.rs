//! From files to checked weights.

mod about;
mod checkpoint;
mod config;
mod error;
mod npy;
mod package;
mod pickle;
mod weights;

pub(crate) use self::{
    about::About,
    checkpoint::{ACOUSTIC_PATHS, Tensors, VOCODER_PATHS, read_checkpoint},
    config::{
        AcousticConfig, AcousticParams, GeneratorParams, NormType, NsfParams, Shift, VocoderConfig,
    },
    npy::read_npy,
    package::{find_voice, read_bytes, read_text, shown},
    weights::Weights,
};
pub use error::LoadError;
