//! A voice: both models, its tables, and what it can say.

use std::{fmt, path::Path, sync::Arc};

use crate::{
    acoustic::{Acoustic, Statistics},
    load::{
        ACOUSTIC_PATHS, About, AcousticConfig, LoadError, Tensors, VOCODER_PATHS, VocoderConfig,
        find_voice, read_bytes, read_checkpoint, read_npy, read_text, shown,
    },
    plan::{Plan, TextError},
    speech::Speech,
    ssml::{self, SsmlError},
    stop::StopSignal,
    style::{Emotion, Style},
    text,
    units::Tables,
    vocoder::Vocoder,
};

/// A voice that speaks Mandarin.
///
/// It is immutable once loaded, and a clone is a handle to the same voice. Speaking happens on the thread that
/// iterates over the speech.
#[derive(Clone)]
pub struct Voice {
    pub(crate) model: Arc<Model>,
}

/// What all handles to one voice share.
pub(crate) struct Model {
    pub(crate) acoustic: Acoustic,
    pub(crate) vocoder: Vocoder,
    pub(crate) tables: Tables,
    pub(crate) speaker: String,
    pub(crate) bytes: bool,
    /// Whether only the phones of plain syllables were trained.
    pub(crate) plain_syllables: bool,
    /// How Latin words are said.
    pub(crate) latin: text::Latin,
    name: String,
    emotions: Vec<Emotion>,
    sample_rate: u32,
}

/// The contents of a voice's files.
pub(crate) struct Parts<'a> {
    pub(crate) about: About,
    pub(crate) acoustic_config: [&'a str; 2],
    pub(crate) vocoder_config: [&'a str; 2],
    pub(crate) acoustic: (&'a str, Tensors),
    pub(crate) vocoder: (&'a str, Tensors),
    pub(crate) statistics: Statistics,
}

impl Voice {
    /// Loads the demo voice, which is part of this library.
    ///
    /// ```
    /// let voice = sambert_hifigan::Voice::demo()?;
    /// assert_eq!(voice.sample_rate(), 16_000);
    /// # Ok::<(), sambert_hifigan::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Never in an intact build.
    pub fn demo() -> Result<Self, LoadError> {
        Self::demo_from(
            include_bytes!("../voice/am/ckpt/checkpoint_7732.pth"),
            include_bytes!("../voice/voc/ckpt/checkpoint_8932.pth"),
            include_bytes!("../voice/am/mvn.npy"),
        )
    }

    /// Builds the demo voice from the contents of its binary files.
    pub(crate) fn demo_from(
        acoustic: &[u8],
        vocoder: &[u8],
        mvn: &[u8],
    ) -> Result<Self, LoadError> {
        let (acoustic_name, vocoder_name) = (
            "voice/am/ckpt/checkpoint_7732.pth",
            "voice/voc/ckpt/checkpoint_8932.pth",
        );
        let mvn = read_npy(mvn).map_err(|problem| LoadError::new("voice/am/mvn.npy", problem))?;
        let parts = Parts {
            about: About::parse("voice/voice.json", include_str!("../voice/voice.json"))?,
            acoustic_config: [
                "voice/am/config.yaml",
                include_str!("../voice/am/config.yaml"),
            ],
            vocoder_config: [
                "voice/voc/config.yaml",
                include_str!("../voice/voc/config.yaml"),
            ],
            acoustic: (
                acoustic_name,
                read_checkpoint(acoustic_name, acoustic, ACOUSTIC_PATHS)?,
            ),
            vocoder: (
                vocoder_name,
                read_checkpoint(vocoder_name, vocoder, VOCODER_PATHS)?,
            ),
            statistics: Statistics {
                mvn: Some(mvn),
                se: None,
            },
        };
        Self::assemble(parts, |_| None)
    }

    /// Loads a voice from a directory: a ModelScope package (its default voice) or one voice of it.
    ///
    /// # Errors
    ///
    /// When a file is missing or damaged, or when tensors are missing or misshapen: one error names them all.
    pub fn load(directory: &Path) -> Result<Self, LoadError> {
        let files = find_voice(directory)?;
        let acoustic_config = read_text(&files.acoustic.config)?;
        let vocoder_config = read_text(&files.vocoder.config)?;
        let array = |name: &str| {
            let path = files.acoustic.folder.join(name);
            if !path.is_file() {
                return Ok(None);
            }
            read_npy(&read_bytes(&path)?)
                .map(Some)
                .map_err(|problem| LoadError::new(shown(&path), problem))
        };
        let about = match read_text(&files.about) {
            Ok(text) => About::parse(&shown(&files.about), &text)?,
            Err(_) => About::unknown(files.name),
        };
        let statistics = Statistics {
            mvn: array("mvn.npy")?,
            se: array("se.npy")?,
        };
        let [acoustic_name, vocoder_name] =
            [&files.acoustic, &files.vocoder].map(|model| shown(&model.checkpoint));
        let parts = Parts {
            about,
            acoustic_config: [&shown(&files.acoustic.config), &acoustic_config],
            vocoder_config: [&shown(&files.vocoder.config), &vocoder_config],
            acoustic: (
                &acoustic_name,
                read_checkpoint(
                    &acoustic_name,
                    &read_bytes(&files.acoustic.checkpoint)?,
                    ACOUSTIC_PATHS,
                )?,
            ),
            vocoder: (
                &vocoder_name,
                read_checkpoint(
                    &vocoder_name,
                    &read_bytes(&files.vocoder.checkpoint)?,
                    VOCODER_PATHS,
                )?,
            ),
            statistics,
        };
        Self::assemble(parts, |name| {
            read_text(&files.dictionaries.join(format!("{name}_dict.txt"))).ok()
        })
    }

    fn assemble(
        parts: Parts<'_>,
        dictionary: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, LoadError> {
        let [file, text] = parts.acoustic_config;
        let config = AcousticConfig::parse(file, text)?;
        let [vocoder_file, text] = parts.vocoder_config;
        let vocoder_config = VocoderConfig::parse(vocoder_file, text)?;
        let unit = &config.linguistic_unit;
        let bytes = config.params().using_byte || unit.lfeat_type_list.contains("byte_index");
        let sample_rate = vocoder_config.audio_config.sampling_rate;
        if !(4_000..=192_000).contains(&sample_rate) {
            return Err(LoadError::new(
                vocoder_file,
                format!("a sampling rate of {sample_rate}"),
            ));
        }
        let tables = Tables::new(&unit.speaker_list, dictionary);
        let (name, tensors) = parts.acoustic;
        let acoustic = Acoustic::load(name, &config, tensors, &parts.statistics, &tables)?;
        let (name, tensors) = parts.vocoder;
        let vocoder = Vocoder::load(name, &vocoder_config, tensors)?;
        if vocoder.channels() != config.params().num_mels {
            let (ours, theirs) = (config.params().num_mels, vocoder.channels());
            let problem =
                format!("the vocoder takes {theirs} channels, the acoustic model makes {ours}");
            return Err(LoadError::new(vocoder_file, problem));
        }
        let latin = if parts.about.english && tables.has_english() {
            text::Latin::English
        } else {
            text::Latin::Mandarin
        };
        text::prepare();
        let speaker = unit
            .speaker_list
            .split(',')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let model = Model {
            acoustic,
            vocoder,
            tables,
            speaker,
            bytes,
            plain_syllables: !parts.about.colored_syllables,
            latin,
            name: parts.about.name,
            emotions: parts.about.emotions,
            sample_rate,
        };
        Ok(Self {
            model: Arc::new(model),
        })
    }

    /// Returns the voice's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// Returns the emotions the voice can be asked for.
    #[must_use]
    pub fn emotions(&self) -> &[Emotion] {
        &self.model.emotions
    }

    /// Returns the samples per second the voice speaks with.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.model.sample_rate
    }

    /// Returns the number of weights of the acoustic model and of the vocoder.
    #[must_use]
    pub fn parameters(&self) -> [usize; 2] {
        let Model {
            acoustic, vocoder, ..
        } = &*self.model;
        [acoustic.parameters(), vocoder.parameters()]
    }

    /// Works out what is to be said: sentences of units, ready to be spoken.
    ///
    /// # Errors
    ///
    /// When the text holds nothing that can be spoken, or something this voice cannot speak.
    pub fn plan(&self, text: &str, style: &Style) -> Result<Plan, TextError> {
        Plan::new(self, text, style)
    }

    /// Works out what a document in the speech synthesis markup language says, as far as the language is read.
    ///
    /// The style is what the document does not say otherwise: its emotion and speed, and always its seed. What is read, with
    /// examples: [`ssml`](crate::ssml).
    ///
    /// # Errors
    ///
    /// When the document is malformed or holds markup that is not read, and as [`Self::plan`] for its text. The error
    /// tells the place and what is allowed there.
    pub fn plan_ssml(&self, ssml: &str, style: &Style) -> Result<Plan, SsmlError> {
        ssml::plan(self, ssml, style)
    }

    /// Speaks a plan, a sentence at a time, on the thread that asks for the next one.
    ///
    /// Samples lie between -1 and 1. The stop signal ends the speech within a few milliseconds.
    pub fn speak(&self, plan: &Plan, stop: &StopSignal) -> Speech {
        Speech::new(self.clone(), plan.clone(), stop.clone())
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [acoustic, vocoder] = self.parameters();
        f.debug_struct("Voice")
            .field("name", &self.name())
            .field("sample_rate", &self.sample_rate())
            .field("acoustic_parameters", &acoustic)
            .field("vocoder_parameters", &vocoder)
            .finish_non_exhaustive()
    }
}
