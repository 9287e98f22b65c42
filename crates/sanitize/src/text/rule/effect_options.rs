//! What a rule does with its matches, as methods of [`TextRule`].

use palisade_core::Secret;

use super::{Effect, TextRule};

impl TextRule {
    /// Replaces each match with its kind and a code by this key, such as `[PHONE:ngkcpajmbnhfedco]`.
    ///
    /// The same data has the same code, however it is written, so that a service can tell two people apart
    /// and recognize one again. Without the key no one can compute the code for a guess: there are few
    /// phone numbers, so keep the key secret. It has at least 16 bytes;
    /// [`SanitizerBuilder::build`](crate::SanitizerBuilder::build) refuses less.
    ///
    /// ```
    /// use palisade_core::Secret;
    /// use palisade_sanitize::{PersonalData, Sanitizer};
    ///
    /// let key = Secret::new(b"32 random bytes from a key file.".to_vec());
    /// let sanitizer = Sanitizer::builder().rule(PersonalData::new().rule().hash(key)).build()?;
    /// let one = sanitizer.clean("打13800138000")?.text().to_owned();
    /// assert!(one.starts_with("打[PHONE:") && !one.contains("138"));
    /// assert_eq!(sanitizer.clean("打138 0013-8000")?.text(), one);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hash(self, key: Secret) -> Self {
        Self {
            effect: Effect::Hash(key),
            ..self
        }
    }

    /// Replaces each match with data of the same form that is valid and belongs to no one.
    ///
    /// For services that check the form. All data of a kind has the same stand-in: the number of a test card,
    /// an address at `example.com`, the specimen of an identity card. Separators stay, if the stand-in has as
    /// many letters and digits. Secrets, recognizers of your own and rules that are not of
    /// [`PersonalData`](crate::PersonalData) have none: each character becomes `*`.
    ///
    /// ```
    /// use palisade_sanitize::{PersonalData, Sanitizer};
    ///
    /// let sanitizer = Sanitizer::builder().rule(PersonalData::new().rule().stand_in()).build()?;
    /// let clean = sanitizer.clean("打 139-1234-5678，写 li@corp.cn")?;
    /// assert_eq!(clean.text(), "打 138-0013-8000，写 user@example.com");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stand_in(self) -> Self {
        Self {
            effect: Effect::StandIn,
            ..self
        }
    }

    /// Removes what matches.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::new("key", "key-[0-9]+").drop();
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("a key-123 b")?.text(), "a  b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drop(self) -> Self {
        Self {
            effect: Effect::Replace(Box::default()),
            ..self
        }
    }

    /// Keeps what matches and counts it in the report ([`Report::rule`](crate::Report::rule)).
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::new("link", "https://").flag()).build()?;
    /// let clean = sanitizer.clean("see https://a.example")?;
    /// assert_eq!(clean.text(), "see https://a.example");
    /// assert_eq!(clean.report().rule(0), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flag(self) -> Self {
        Self {
            effect: Effect::Flag,
            ..self
        }
    }

    /// Replaces each match with a label in square brackets, such as `[PHONE]`.
    ///
    /// The label names the kind for a rule of [`PersonalData`](crate::PersonalData). For other rules
    /// it is `[DATA]`.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::new("key", "key-[0-9]+").label();
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("a key-123 b")?.text(), "a [DATA] b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn label(self) -> Self {
        Self {
            effect: Effect::Label,
            ..self
        }
    }

    /// Replaces each character of a match with this one. The number of characters stays the same.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::new("key", "key-[0-9]+").mask('#');
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("a key-123 b")?.text(), "a ####### b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mask(self, with: char) -> Self {
        Self {
            effect: Effect::Mask(with),
            ..self
        }
    }

    /// Refuses the text if anything matches ([`Refused::Rule`](crate::Refused::Rule)). This is the default.
    pub fn refuse(self) -> Self {
        Self {
            effect: Effect::Refuse,
            ..self
        }
    }

    /// Replaces each match with this text, which is taken literally: `$1` has no special meaning.
    ///
    /// At most 64 bytes; [`SanitizerBuilder::build`](crate::SanitizerBuilder::build) refuses more.
    /// A replacement that matches again can make the text unstable ([`Refused::Unstable`](crate::Refused::Unstable)).
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::new("key", "key-[0-9]+").replace("(key)");
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("a key-123 b")?.text(), "a (key) b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace(self, by: impl Into<Box<str>>) -> Self {
        Self {
            effect: Effect::Replace(by.into()),
            ..self
        }
    }
}
