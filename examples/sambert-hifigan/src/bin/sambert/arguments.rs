//! What the command is asked for.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use sambert_hifigan::{Emotion, LoadError, Voice};

#[derive(Debug, Parser)]
#[command(version, about = "Speaks Mandarin with SAM-BERT and HiFi-GAN")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Puts a voice into one file
    Convert(Convert),
    /// Loads voices and tells what they are
    Inspect(Inspect),
    /// Shows how a text will be read
    Pinyin(Pinyin),
    /// Speaks a text as WAV
    Speak(Speak),
}

#[derive(Args, Debug)]
pub(crate) struct Convert {
    /// The voice: a package (its default voice), a folder or a file
    pub(crate) voice: PathBuf,
    /// The file to write, such as voice.safetensors
    pub(crate) output: PathBuf,
    /// Writes weights in half precision
    #[arg(long)]
    pub(crate) f16: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// A package, a folder, a file, or a directory of several; the demo voice without it
    pub(crate) voice: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Pinyin {
    /// What to read; the lines of the standard input without it
    pub(crate) text: Option<String>,
    /// Reads the text as SSML, all of the standard input as one document
    #[arg(long)]
    pub(crate) ssml: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Speak {
    /// What to say
    pub(crate) text: String,
    /// The file to write, or - for the standard output
    #[arg(short, long)]
    pub(crate) output: PathBuf,
    /// Reads the text as SSML
    #[arg(long)]
    pub(crate) ssml: bool,
    /// How to say it
    #[arg(short, long, default_value = "neutral")]
    pub(crate) emotion: Emotion,
    /// How fast, 0.5 to 2
    #[arg(short, long, default_value_t = 1.0)]
    pub(crate) speed: f32,
    /// The seed of the noise in the voice
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Another voice than the demo voice: a package, a folder or a file
    #[arg(long)]
    pub(crate) voice: Option<PathBuf>,
    /// Another speaker than the default one, for voices that have several
    #[arg(long)]
    pub(crate) speaker: Option<String>,
}

/// Loads the voice that is asked for.
pub(crate) fn load(voice: Option<&Path>) -> Result<Voice, LoadError> {
    voice.map_or_else(Voice::demo, Voice::load)
}
