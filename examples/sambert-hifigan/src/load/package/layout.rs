//! The kinds of packages.

use std::fmt;

/// Which layout a voice was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `sambert` and `hifigan`.
    BaseModel,
    /// Part of this library.
    BuiltIn,
    /// Files named by `custom_ckpt` in `configuration.json`.
    Custom,
    /// One safetensors file.
    File,
    /// `am` and `voc`.
    Folder,
    /// `am/pytorch_model.bin` and `vocoder/pytorch_model.bin`, configured by `configuration.json`.
    Of2022,
    /// `voices/<name>` with `am` and `voc`.
    Package,
    /// The folders of two training runs.
    Training,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BaseModel => "base model (sambert, hifigan)",
            Self::BuiltIn => "built in",
            Self::Custom => "ModelScope package with custom_ckpt",
            Self::File => "one file",
            Self::Folder => "voice folder (am, voc)",
            Self::Of2022 => "ModelScope package of 2022 (pytorch_model.bin)",
            Self::Package => "ModelScope package (voices/voices.json)",
            Self::Training => "KAN-TTS training folders",
        })
    }
}
