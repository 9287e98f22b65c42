//! What a voice is made of, from wherever it is read.

use checkpoint::{Source, Tensors, read_npy};

use super::{
    ACOUSTIC_PATHS, Claims, Dictionaries, FoundVoice, Layout, LoadError, Statistics, Text,
    VOCODER_PATHS, VoiceFiles, VoiceMetadata, bundle,
    config::{AudioConfig, AudioFile},
    error::both,
    package::{ModelFiles, read_bytes, read_optional, shown},
    read_checkpoint,
};

/// What a voice is made of. Its tensors are described but not yet read.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) voice_metadata: VoiceMetadata,
    pub(crate) acoustic: ModelParts,
    pub(crate) vocoder: ModelParts,
    pub(crate) statistics: Statistics,
    pub(crate) dictionaries: Dictionaries,
    /// The audio format, where the package tells it apart from its models.
    pub(crate) audio: AudioConfig,
    pub(crate) claims: Claims,
    pub(crate) warnings: Vec<String>,
}

/// A model's configuration and tensors.
#[derive(Debug)]
pub(crate) struct ModelParts {
    pub(crate) config: Text,
    pub(crate) file: String,
    pub(crate) tensors: Tensors,
}

impl Parts {
    /// Opens a voice that was found.
    pub(crate) fn open(found: &FoundVoice) -> Result<Self, LoadError> {
        match found {
            FoundVoice::File(path) => bundle::read(path),
            FoundVoice::Folder(files) => Self::of_files(files),
        }
    }

    fn of_files(files: &VoiceFiles) -> Result<Self, LoadError> {
        let (acoustic, vocoder) = both(
            ModelParts::open(&files.acoustic, ACOUSTIC_PATHS),
            ModelParts::open(&files.vocoder, VOCODER_PATHS),
        )?;
        let voice_metadata = read_optional(&files.voice_metadata)?
            .map_or(Ok(VoiceMetadata::unknown()), |text| {
                VoiceMetadata::parse(&text.file, &text.content)
            })?;
        let audio = read_optional(&files.audio)?.map_or(Ok(AudioFile::default()), |text| {
            AudioFile::parse(&text.file, &text.content)
        })?;
        Ok(Self {
            name: voice_metadata
                .name
                .clone()
                .unwrap_or_else(|| files.name.clone()),
            layout: files.layout,
            voice_metadata,
            acoustic,
            vocoder,
            statistics: statistics(files)?,
            dictionaries: Dictionaries::read(&files.dictionaries)?,
            audio: audio.audio_config,
            claims: files.claims,
            warnings: files.warnings.clone(),
        })
    }

    /// Describes the demo voice.
    pub(crate) fn built_in() -> Result<Self, LoadError> {
        let acoustic = include_bytes!("../../voice/am/ckpt/checkpoint_7100.pth").as_slice();
        let vocoder = include_bytes!("../../voice/voc/ckpt/checkpoint_13978.pth").as_slice();
        let mvn = include_bytes!("../../voice/am/mvn.npy");
        let voice_metadata =
            VoiceMetadata::parse("voice/voice.json", include_str!("../../voice/voice.json"))?;
        let text = |file: &str, content: &str| Text {
            file: file.to_owned(),
            content: content.to_owned(),
        };
        let acoustic_config = text(
            "voice/am/config.yaml",
            include_str!("../../voice/am/config.yaml"),
        );
        let vocoder_config = text(
            "voice/voc/config.yaml",
            include_str!("../../voice/voc/config.yaml"),
        );
        let mvn = read_npy(mvn).map_err(|problem| LoadError::new("voice/am/mvn.npy", problem))?;
        Ok(Self {
            name: voice_metadata.name.clone().unwrap_or_default(),
            layout: Layout::BuiltIn,
            voice_metadata,
            acoustic: ModelParts::new(
                acoustic_config,
                "voice/am/ckpt",
                acoustic.into(),
                ACOUSTIC_PATHS,
            )?,
            vocoder: ModelParts::new(
                vocoder_config,
                "voice/voc/ckpt",
                vocoder.into(),
                VOCODER_PATHS,
            )?,
            statistics: Statistics {
                mvn: Some(mvn),
                se: None,
            },
            dictionaries: Dictionaries::default(),
            audio: AudioConfig::default(),
            claims: Claims::default(),
            warnings: Vec::new(),
        })
    }
}

impl ModelParts {
    fn open(files: &ModelFiles, paths: &[&[&str]]) -> Result<Self, LoadError> {
        let file = shown(&files.checkpoint);
        let source = Source::open(&files.checkpoint);
        let source = source.map_err(|problem| LoadError::new(&*file, problem))?;
        Self::new(files.config.clone(), &file, source, paths)
    }

    fn new(config: Text, file: &str, source: Source, paths: &[&[&str]]) -> Result<Self, LoadError> {
        Ok(Self {
            config,
            file: file.to_owned(),
            tensors: read_checkpoint(file, source, paths)?,
        })
    }
}

fn statistics(files: &VoiceFiles) -> Result<Statistics, LoadError> {
    let array = |path: &std::path::Path| {
        let values = read_npy(&read_bytes(path)?);
        values.map_err(|problem| LoadError::new(shown(path), problem))
    };
    let mvn = files.mvn.is_file().then(|| array(&files.mvn));
    let se = files.se.iter().find(|path| path.is_file());
    Ok(Statistics {
        mvn: mvn.transpose()?,
        se: se.map(|path| array(path)).transpose()?,
    })
}
