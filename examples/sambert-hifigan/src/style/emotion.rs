//! The emotions of the model family.

use std::{fmt, str::FromStr};

macro_rules! emotions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// An emotion of the model family; a voice has learned only some, see
        /// [`Voice::emotions`](crate::Voice::emotions).
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
        f.write_str("there is no emotion of this name")
    }
}

impl std::error::Error for UnknownEmotion {}
