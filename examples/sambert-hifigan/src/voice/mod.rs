//! A voice: both models, its tables, and what it can say.

mod convert;

use std::{fmt, num::NonZeroUsize, path::Path};

pub use self::convert::convert;
use crate::{
    load::{FoundVoice, LoadError, Parts, find_all_voices, find_voices},
    model::{Model, VoiceHandle},
    speech::{Plan, Speech, TextError},
    ssml::{self, SsmlError},
    stop::StopSignal,
    style::{Emotion, Style},
    thread_team::ThreadTeam,
};

/// A voice that speaks Mandarin.
///
/// It is immutable once loaded, and a clone is a handle to the same voice. Speaking happens on the thread that
/// iterates over the speech.
#[derive(Clone)]
pub struct Voice {
    pub(crate) handle: VoiceHandle,
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
    /// model, the folders of two training runs, or one file that [`convert`] wrote.
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

    fn open(found: &FoundVoice) -> Result<Self, LoadError> {
        Ok(Self::of(Model::assemble(Parts::open(found)?)?))
    }

    pub(crate) fn of(model: Model) -> Self {
        Self {
            handle: VoiceHandle::new(model),
        }
    }

    /// Returns who can speak with this voice; most voices have one speaker.
    #[must_use]
    pub fn speakers(&self) -> &[String] {
        self.handle.model.tables.speakers()
    }

    /// Returns who speaks.
    #[must_use]
    pub fn speaker(&self) -> &str {
        self.handle.speaker()
    }

    /// Returns the same voice with another of its speakers, sharing the weights; nothing when it has none of that name.
    #[must_use]
    pub fn with_speaker(&self, name: &str) -> Option<Self> {
        let index = self.speakers().iter().position(|speaker| speaker == name)?;
        let mut other = self.clone();
        other.handle.speaker = Some(index);
        Some(other)
    }

    /// Tells what was odd when the voice was loaded, such as symbol tables that differ from the usual ones.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.handle.model.warnings
    }

    /// Tells what is known of the voice's files and models, as names and values.
    #[must_use]
    pub fn details(&self) -> &[(&'static str, String)] {
        &self.handle.model.details
    }

    /// Lets the vocoder use as many threads; what is spoken stays the same.
    ///
    /// One means the thread that asks for the speech, and is the default. More are started here and serve all
    /// speech of this handle and its clones, so that they bound what is used however much is spoken at once.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.handle.team = ThreadTeam::of(threads);
        self
    }

    /// Returns the voice's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.handle.model.name
    }

    /// Returns the emotions the voice can be asked for.
    #[must_use]
    pub fn emotions(&self) -> &[Emotion] {
        self.handle.emotions()
    }

    /// Returns the samples per second the voice speaks with.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.handle.sample_rate()
    }

    /// Returns the number of weights of the acoustic model and of the vocoder.
    #[must_use]
    pub fn parameters(&self) -> [usize; 2] {
        let Model {
            acoustic, vocoder, ..
        } = &*self.handle.model;
        [acoustic.parameters(), vocoder.parameters()]
    }

    /// Works out what is to be said: sentences of units, ready to be spoken.
    ///
    /// # Errors
    ///
    /// When the text holds nothing that can be spoken, or something this voice cannot speak.
    pub fn plan(&self, text: &str, style: &Style) -> Result<Plan, TextError> {
        Plan::new(&self.handle, text, style)
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
        ssml::plan(&self.handle, ssml, style)
    }

    /// Speaks a plan, a chunk at a time, whenever the next one is asked for.
    ///
    /// Samples lie between -1 and 1. The stop signal ends the speech within a few milliseconds.
    pub fn speak(&self, plan: &Plan, stop: &StopSignal) -> Speech {
        Speech::new(self.handle.clone(), plan.clone(), stop.clone())
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
