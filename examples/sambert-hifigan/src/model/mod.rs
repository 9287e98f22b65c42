//! A loaded model: both networks, the tables of its symbols, and what it can say.

mod assemble;
mod details;

use std::{fmt, sync::Arc};

use mandarin::Latin;

use crate::{
    acoustic::Acoustic, style::Emotion, thread_team::ThreadTeam, units::Tables, vocoder::Vocoder,
};

/// A model, which of its speakers speaks, and on which threads. A clone shares the model.
#[derive(Clone)]
pub(crate) struct VoiceHandle {
    pub(crate) model: Arc<Model>,
    /// The speaker, where it is not the default one.
    pub(crate) speaker: Option<usize>,
    pub(crate) team: ThreadTeam,
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

impl VoiceHandle {
    /// Makes a handle for the default speaker and the thread that asks.
    pub(crate) fn new(model: Model) -> Self {
        Self {
            model: Arc::new(model),
            speaker: None,
            team: ThreadTeam::default(),
        }
    }

    /// Returns the name of the speaker.
    pub(crate) fn speaker(&self) -> &str {
        let speakers = self.model.tables.speakers();
        let chosen = self.speaker.and_then(|index| speakers.get(index));
        chosen.unwrap_or(&self.model.speaker)
    }

    /// Returns the emotions the model was trained with.
    pub(crate) fn emotions(&self) -> &[Emotion] {
        &self.model.emotions
    }

    /// Returns the samples per second.
    pub(crate) fn sample_rate(&self) -> u32 {
        self.model.sample_rate
    }
}

impl fmt::Debug for VoiceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Model {
            acoustic, vocoder, ..
        } = &*self.model;
        f.debug_struct("Voice")
            .field("name", &self.model.name)
            .field("sample_rate", &self.sample_rate())
            .field("acoustic_parameters", &acoustic.parameters())
            .field("vocoder_parameters", &vocoder.parameters())
            .finish_non_exhaustive()
    }
}
