//! One stretch of speech, computed in one piece.

use mandarin::{Break, Word, pinyin};

use super::{Passage, Pause};
use crate::units::{Ids, Tables, TextIds, Unit};

/// Silence between two sentences, in seconds.
const BETWEEN_SENTENCES: f32 = 0.28;

/// Silence where a sentence was cut: it is too long for one breath, or its style changes.
const BETWEEN_PARTS: f32 = 0.1;

/// Seconds a syllable, a comma and a sentence end take on average; measured on the demo voice.
const SYLLABLE_SECONDS: f32 = 0.23;
const CLAUSE_SECONDS: f32 = 0.25;

/// Seconds a byte takes: syllables of most scripts are three of them.
const BYTE_SECONDS: f32 = SYLLABLE_SECONDS / 3.0;

/// One stretch of speech, in one style.
#[derive(Clone, Debug)]
pub(crate) struct Sentence {
    words: Vec<Word>,
    content: Content,
    speed: f32,
    lead: f32,
    pause: f32,
    /// Whether the pause was asked for, and is more than what sentences have between them.
    asked: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes { bytes: Vec<u32>, unit: Box<Unit> },
    Units(Vec<Unit>),
}

impl Sentence {
    pub(super) fn new(words: Vec<Word>, content: Content, passage: &Passage) -> Self {
        Self {
            words,
            content,
            speed: passage.speed,
            lead: 0.0,
            pause: BETWEEN_SENTENCES / passage.speed,
            asked: false,
        }
    }

    /// Shortens the pause after a stretch that does not end its sentence.
    pub(super) fn part(&mut self) {
        self.pause = BETWEEN_PARTS / self.speed;
    }

    /// Lengthens the pause again after a stretch that ends its sentence after all.
    pub(super) fn whole(&mut self) {
        if !self.asked {
            self.pause = self.pause.max(BETWEEN_SENTENCES / self.speed);
        }
    }

    /// Changes the pause as markup asks for; pauses that are asked for add up.
    pub(super) fn pause_after(&mut self, pause: Pause) {
        match pause {
            Pause::AtLeast(seconds) if self.asked => self.pause = self.pause.max(seconds),
            Pause::AtLeast(seconds) => self.pause = self.pause.max(seconds / self.speed),
            Pause::Exactly(seconds) if self.asked => self.pause += seconds,
            Pause::Exactly(seconds) => (self.pause, self.asked) = (seconds, true),
        }
    }

    /// Puts silence in front.
    pub(super) const fn lead_with(&mut self, seconds: f32) {
        self.lead = seconds;
    }

    /// Leaves out the pause after the last sentence, unless it was asked for.
    pub(super) const fn end(&mut self) {
        if !self.asked {
            self.pause = 0.0;
        }
    }

    /// Looks the sentence up in a voice's tables.
    pub(crate) fn encode(&self, tables: &Tables) -> Result<Ids, String> {
        match &self.content {
            Content::Units(units) => tables.encode(units),
            Content::Bytes { bytes, unit } => {
                let one = tables.encode(std::slice::from_ref(unit))?;
                let repeat = |ids: &[u32]| ids.repeat(bytes.len());
                let (emotion, speaker) = (repeat(&one.emotion), repeat(&one.speaker));
                Ok(Ids {
                    text: TextIds::Bytes(bytes.clone()),
                    emotion,
                    speaker,
                })
            }
        }
    }

    /// Returns its words; none where bytes are read.
    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    /// Returns how fast it is spoken.
    pub(crate) const fn speed(&self) -> f32 {
        self.speed
    }

    /// Returns the silence before it in seconds, which the speed has no part in.
    pub(crate) const fn lead(&self) -> f32 {
        self.lead
    }

    /// Returns the silence after it in seconds, whatever the speed.
    pub(crate) const fn pause(&self) -> f32 {
        self.pause
    }

    /// Returns how long it takes with the silence around it, roughly.
    pub(super) fn seconds(&self) -> f32 {
        let syllables: usize = self.words.iter().map(|word| word.syllables.len()).sum();
        let ends_clause = |word: &&Word| word.after >= Break::Clause;
        let clauses = self.words.iter().filter(ends_clause).count();
        let bytes = match &self.content {
            Content::Bytes { bytes, .. } => bytes.len(),
            Content::Units(_) => 0,
        };
        let spoken = syllables as f32 * SYLLABLE_SECONDS
            + clauses as f32 * CLAUSE_SECONDS
            + bytes as f32 * BYTE_SECONDS;
        self.lead + spoken / self.speed + self.pause
    }

    /// Shows the reading, or nothing where bytes are read; `between` stands between the syllables of a word.
    pub(super) fn reading(&self, between: &str) -> Option<String> {
        (!self.words.is_empty()).then(|| pinyin(&self.words, between))
    }

    #[cfg(test)]
    pub(crate) fn units(&self) -> &[Unit] {
        match &self.content {
            Content::Units(units) => units,
            Content::Bytes { .. } => &[],
        }
    }

    #[cfg(test)]
    pub(crate) const fn of_units(units: Vec<Unit>) -> Self {
        Self {
            words: Vec::new(),
            content: Content::Units(units),
            speed: 1.0,
            lead: 0.0,
            pause: 0.0,
            asked: false,
        }
    }
}
