//! A voice in one file.
//!
//! The file is safetensors: the weights under `acoustic.` and `vocoder.`, the arrays beside them under
//! `statistics.`, and every text of the package (both configurations, `voice.json`, the dictionaries) in the
//! metadata. So it is read with the same care as any checkpoint, and other tools can open it.

mod error;
mod plan;
mod read;
mod write;

pub use self::error::ConvertError;
pub(super) use self::read::read;
pub(crate) use self::write::write as write_bundle;

/// What the metadata call the file.
const FORMAT: &str = "sambert-hifigan voice 1";

const ACOUSTIC: &str = "acoustic.";
const VOCODER: &str = "vocoder.";
const MVN: &str = "statistics.mvn";
const SE: &str = "statistics.se";
