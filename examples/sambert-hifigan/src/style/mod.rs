//! How a text is to be spoken.

mod describe;
mod emotion;

use std::{fmt, time::Duration};

pub use self::emotion::{Emotion, UnknownEmotion};

/// How a text is to be spoken: with which emotion, how fast, and from which seed.
///
/// ```
/// use sambert_hifigan::{Emotion, Style};
///
/// let style = Style::default().with_emotion(Emotion::Happy).with_speed(1.2)?;
/// assert_eq!(style.emotion(), Emotion::Happy);
/// assert!(Style::default().with_speed(9.0).is_err());
/// # Ok::<(), sambert_hifigan::InvalidSpeed>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    emotion: Emotion,
    speed: f32,
    seed: u64,
    vowel_fade: Duration,
}

impl Style {
    /// The longest fade of [`Self::with_vowel_fade`].
    pub const LONGEST_FADE: Duration = Duration::from_millis(50);

    /// The slowest speed a voice speaks at.
    pub const SLOWEST: f32 = 0.5;

    /// The fastest speed a voice speaks at.
    pub const FASTEST: f32 = 2.0;

    /// Sets the emotion.
    #[must_use]
    pub fn with_emotion(mut self, emotion: Emotion) -> Self {
        self.emotion = emotion;
        self
    }

    /// Sets the speed: 1 is the voice's own, 2 twice as fast.
    ///
    /// # Errors
    ///
    /// When the speed is not between [`Self::SLOWEST`] and [`Self::FASTEST`].
    pub fn with_speed(mut self, speed: f32) -> Result<Self, InvalidSpeed> {
        if !(Self::SLOWEST..=Self::FASTEST).contains(&speed) {
            return Err(InvalidSpeed(()));
        }
        self.speed = speed;
        Ok(self)
    }

    /// Sets the seed of the noise in the voice: equal seeds give equal samples.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Lets the sound of each sentence that begins with a vowel rise over so long a time: the voice sets in at once there,
    /// which can be heard as a click.
    ///
    /// Default: none, so that the samples are those of the model. More than [`Self::LONGEST_FADE`] counts as that. Voices that
    /// read bytes have no fade.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sambert_hifigan::Style;
    ///
    /// let style = Style::default().with_vowel_fade(Duration::from_millis(5));
    /// assert_eq!(style.vowel_fade(), Duration::from_millis(5));
    /// ```
    #[must_use]
    pub fn with_vowel_fade(mut self, fade: Duration) -> Self {
        self.vowel_fade = fade.min(Self::LONGEST_FADE);
        self
    }

    /// Returns the emotion.
    #[must_use]
    pub const fn emotion(&self) -> Emotion {
        self.emotion
    }

    /// Returns the speed.
    #[must_use]
    pub const fn speed(&self) -> f32 {
        self.speed
    }

    /// Returns how long the sound of a sentence rises that begins with a vowel.
    #[must_use]
    pub const fn vowel_fade(&self) -> Duration {
        self.vowel_fade
    }

    /// Returns the seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

impl Default for Style {
    fn default() -> Self {
        Self {
            emotion: Emotion::Neutral,
            speed: 1.0,
            seed: 0,
            vowel_fade: Duration::ZERO,
        }
    }
}

/// A speed outside [`Style::SLOWEST`] to [`Style::FASTEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSpeed(());

impl fmt::Display for InvalidSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "speed must be between {} and {}",
            Style::SLOWEST,
            Style::FASTEST
        )
    }
}

impl std::error::Error for InvalidSpeed {}
