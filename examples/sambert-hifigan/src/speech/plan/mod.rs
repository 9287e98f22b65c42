//! What is to be said.

mod bytes;
mod error;
mod passage;
mod sentence;
mod units;

use std::{sync::Arc, time::Duration};

use crate::{model::VoiceHandle, style::Style};

pub use self::error::TextError;
pub(crate) use self::{
    error::Unplannable,
    passage::{Passage, Pause, Unmarkable, Wording},
    sentence::Sentence,
};

/// A text made ready for one voice: never empty, and everything in it can be spoken. A clone shares what it holds.
///
/// ```
/// use sambert_hifigan::{Style, TextError, Voice};
///
/// let voice = Voice::demo()?;
/// let plan = voice.plan("你好，世界！", &Style::default())?;
/// assert_eq!(plan.pinyin(), "ni2 hao3, shi4 jie4.");
/// assert!(plan.seconds_estimate() > 0.5);
/// assert_eq!(voice.plan("……", &Style::default()).unwrap_err(), TextError::NothingSpeakable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    sentences: Arc<[Sentence]>,
    seed: u64,
    vowel_fade: Duration,
}

impl Plan {
    /// Plans a text in one style.
    pub(crate) fn new(voice: &VoiceHandle, text: &str, style: &Style) -> Result<Self, TextError> {
        let mut wording = Wording::for_voice(voice);
        wording.push(text);
        let passage = Passage::new(wording, style, 0);
        Self::of(voice, &[passage], style).map_err(|unplannable| unplannable.error)
    }

    /// Plans passages, each in a style of its own; the seed and the fade are those of `style`.
    pub(crate) fn of(
        voice: &VoiceHandle,
        passages: &[Passage],
        style: &Style,
    ) -> Result<Self, Unplannable> {
        let sentences = passage::sentences(voice, passages)?;
        if sentences.is_empty() {
            let error = TextError::NothingSpeakable;
            return Err(Unplannable { offset: 0, error });
        }
        Ok(Self {
            sentences: sentences.into(),
            seed: style.seed(),
            vowel_fade: style.vowel_fade(),
        })
    }

    /// Returns how long the speech will take, roughly, before any of it is computed.
    #[must_use]
    pub fn seconds_estimate(&self) -> f32 {
        self.sentences.iter().map(Sentence::seconds).sum()
    }

    /// Returns how many stretches the speech comes in.
    #[must_use]
    pub fn stretches(&self) -> usize {
        self.sentences.len()
    }

    /// Tells whether there is nothing to say, which never happens: such a text has no plan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// Shows what will be said: surface pinyin, a blank between syllables, `/` between phrases.
    #[must_use]
    pub fn pinyin(&self) -> String {
        self.shown(" ")
    }

    /// Shows what will be said as a `phoneme` of [SSML](crate::ssml) takes it: the syllables of a word together.
    ///
    /// ```
    /// use sambert_hifigan::{Style, Voice};
    ///
    /// let voice = Voice::demo()?;
    /// let plan = voice.plan("你好，世界！", &Style::default())?;
    /// assert_eq!(plan.reading(), "ni2hao3, shi4jie4.");
    /// let document = format!(r#"<speak><phoneme ph="{}"/></speak>"#, plan.reading());
    /// assert_eq!(voice.plan_ssml(&document, &Style::default())?.reading(), plan.reading());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reading(&self) -> String {
        self.shown("")
    }

    fn shown(&self, between: &str) -> String {
        let shown = |sentence: &Sentence| sentence.reading(between);
        let shown: Vec<_> = self.sentences.iter().filter_map(shown).collect();
        shown.join(" ")
    }

    pub(crate) fn sentences(&self) -> &[Sentence] {
        &self.sentences
    }

    /// Returns how long sentences rise that begin with a vowel.
    pub(crate) const fn vowel_fade(&self) -> Duration {
        self.vowel_fade
    }

    /// Returns the seed of the noise in the voice.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }
}
