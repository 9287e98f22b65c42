//! How a text is to be spoken.

use std::{fmt, str::FromStr};

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
}

impl Style {
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

macro_rules! emotions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// An emotion of the model family; a voice has learned only some, see [`Voice::emotions`](crate::Voice::emotions).
        ///
        /// ```
        /// use sambert_hifigan::Emotion;
        ///
        /// assert_eq!("happy".parse(), Ok(Emotion::Happy));
        /// assert_eq!("emotion_happy".parse(), Ok(Emotion::Happy));
        /// assert_eq!(Emotion::Happy.to_string(), "happy");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Emotion {
            $(#[doc = concat!("`emotion_", $name, "`")] $variant,)*
        }

        impl Emotion {
            /// All emotions, in the order of their ids.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the short name, such as `happy`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Returns the symbol in unit strings, such as `emotion_happy`.
            #[must_use]
            pub const fn symbol(self) -> &'static str {
                match self { $(Self::$variant => concat!("emotion_", $name)),* }
            }
        }
    };
}

emotions! {
    None = "none",
    Neutral = "neutral",
    Angry = "angry",
    Disgust = "disgust",
    Fear = "fear",
    Happy = "happy",
    Sad = "sad",
    Surprise = "surprise",
    Calm = "calm",
    Gentle = "gentle",
    Relax = "relax",
    Lyrical = "lyrical",
    Serious = "serious",
    Disgruntled = "disgruntled",
    Satisfied = "satisfied",
    Disappointed = "disappointed",
    Excited = "excited",
    Anxiety = "anxiety",
    Jealousy = "jealousy",
    Hate = "hate",
    Pity = "pity",
    Pleasure = "pleasure",
    Arousal = "arousal",
    Dominance = "dominance",
    Placeholder1 = "placeholder1",
    Placeholder2 = "placeholder2",
    Placeholder3 = "placeholder3",
    Placeholder4 = "placeholder4",
    Placeholder5 = "placeholder5",
    Placeholder6 = "placeholder6",
    Placeholder7 = "placeholder7",
    Placeholder8 = "placeholder8",
    Placeholder9 = "placeholder9",
}

impl fmt::Display for Emotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Emotion {
    type Err = UnknownEmotion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix("emotion_").unwrap_or(text);
        Self::ALL
            .iter()
            .copied()
            .find(|emotion| emotion.name() == name)
            .ok_or(UnknownEmotion(()))
    }
}

/// A name that is no [`Emotion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownEmotion(());

impl fmt::Display for UnknownEmotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no emotion has this name")
    }
}

impl std::error::Error for UnknownEmotion {}
