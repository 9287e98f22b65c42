//! A voice: both models, its tables, and what it can say.

use std::{fmt, num::NonZeroUsize, path::Path, sync::Arc};

use crate::{
    acoustic::Acoustic,
    load::{Found, LoadError, Parts, find_all_voices, find_voices},
    plan::{Plan, TextError},
    speech::Speech,
    ssml::{self, SsmlError},
    stop::StopSignal,
    style::{Emotion, Style},
    team::Team,
    text::Latin,
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
    /// The speaker, where it is not the default one.
    speaker: Option<usize>,
    pub(crate) team: Team,
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
    pub(crate) latin: Latin,
    pub(crate) name: String,
    pub(crate) emotions: Vec<Emotion>,
    pub(crate) sample_rate: u32,
    pub(crate) details: Vec<(&'static str, String)>,
    pub(crate) warnings: Vec<String>,
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
        Ok(Self::of(Model::assemble(Parts::built_in()?)?))
    }

    /// Loads a voice from a directory or file: a package (its default voice), the folder of one voice, a base
    /// model, the folders of two training runs, or one file that [`convert`](crate::convert) wrote.
    ///
    /// # Errors
    ///
    /// When a file is missing or damaged, or when tensors are missing or misshapen: one error names them all.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let found = find_voices(path)?;
        let none = || LoadError::new(path.display().to_string(), "no voice");
        Self::open(found.first().ok_or_else(none)?)
    }

    /// Loads every voice of a package, or of all packages, voice folders and files in a directory.
    ///
    /// The default voice comes first; names are unique.
    ///
    /// # Errors
    ///
    /// As those of [`Self::load`], for the first voice that fails; and when two voices have one name.
    pub fn load_all(directory: &Path) -> Result<Vec<Self>, LoadError> {
        let mut voices: Vec<Self> = Vec::new();
        for found in find_all_voices(directory)? {
            let voice = Self::open(&found)?;
            if voices.iter().any(|other| other.name() == voice.name()) {
                let name = voice.name();
                let problem =
                    format!("two voices are called {name:?}; a voice.json gives one another name");
                return Err(LoadError::new(found.to_string(), problem));
            }
            voices.push(voice);
        }
        Ok(voices)
    }

    fn open(found: &Found) -> Result<Self, LoadError> {
        Ok(Self::of(Model::assemble(Parts::open(found)?)?))
    }

    pub(crate) fn of(model: Model) -> Self {
        Self {
            model: Arc::new(model),
            speaker: None,
            team: Team::default(),
        }
    }

    /// Returns who can speak with this voice; most voices have one speaker.
    #[must_use]
    pub fn speakers(&self) -> &[String] {
        self.model.tables.speakers()
    }

    /// Returns who speaks.
    #[must_use]
    pub fn speaker(&self) -> &str {
        let chosen = self.speaker.and_then(|index| self.speakers().get(index));
        chosen.unwrap_or(&self.model.speaker)
    }

    /// Returns the same voice with another of its speakers, sharing the weights; nothing when it has none of that name.
    #[must_use]
    pub fn with_speaker(&self, name: &str) -> Option<Self> {
        let index = self.speakers().iter().position(|speaker| speaker == name)?;
        Some(Self {
            speaker: Some(index),
            ..self.clone()
        })
    }

    /// Tells what was odd when the voice was loaded, such as symbol tables that differ from the usual ones.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.model.warnings
    }

    /// Tells what is known of the voice's files and models, as names and values.
    #[must_use]
    pub fn details(&self) -> &[(&'static str, String)] {
        &self.model.details
    }

    /// Lets the vocoder use as many threads; what is spoken stays the same.
    ///
    /// One means the thread that asks for the speech, and is the default. More are started here and serve all
    /// speech of this handle and its clones, so that they bound what is used however much is spoken at once.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.team = Team::of(threads);
        self
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

    /// Speaks a plan, a chunk at a time, whenever the next one is asked for.
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
