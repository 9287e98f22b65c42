//! The settings of a search for personal data: kinds, lowest score, recognizers of the operator.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::kind::PersonalDataKind;
use super::{PersonalData, Settings};

/// Findings below this score are not reported, in percent.
const MIN_SCORE: u8 = 50;

/// Configures a [`PersonalData`]. Returned by [`PersonalData::builder`]; no method fails.
///
/// ```
/// use palisade_sanitize::{PersonalData, PersonalDataKind};
///
/// let staff = |text: &str| {
///     text.match_indices("STAFF-").map(|(at, word)| (at..at + word.len() + 4, 0.9)).collect()
/// };
/// let finder = PersonalData::builder()
///     .without([PersonalDataKind::Ipv4, PersonalDataKind::Ipv6])
///     .min_score(0.8)
///     .recognizer("staff-number", staff)
///     .build();
/// let findings = finder.find("STAFF-1234 logged in from 192.0.2.7");
/// assert_eq!(findings.len(), 1);
/// assert_eq!(findings[0].name(), "staff-number");
/// ```
///
/// Only what a log of payments must not have:
///
/// ```
/// use palisade_sanitize::{PersonalData, PersonalDataKind};
///
/// let finder = PersonalData::builder().kinds([PersonalDataKind::Card]).build();
/// assert_eq!(finder.find("card 4111 1111 1111 1111 of ann@notes.example").len(), 1);
/// assert!(finder.find("ann@notes.example").is_empty());
/// ```
#[derive(Clone)]
#[must_use]
pub struct PersonalDataBuilder(Settings);

impl PersonalDataBuilder {
    /// Starts with all kinds and the lowest score that is reported by default.
    pub(super) fn new() -> Self {
        Self(Settings {
            kinds: PersonalDataKind::ALL.to_vec(),
            min_score: MIN_SCORE,
            recognizers: Vec::new(),
        })
    }

    /// Looks for these kinds only. Default: [`PersonalDataKind::ALL`].
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = PersonalDataKind>) -> Self {
        self.0.kinds = kinds.into_iter().collect();
        self
    }

    /// Does not look for these kinds.
    pub fn without(mut self, kinds: impl IntoIterator<Item = PersonalDataKind>) -> Self {
        let unwanted: Vec<_> = kinds.into_iter().collect();
        self.0.kinds.retain(|kind| !unwanted.contains(kind));
        self
    }

    /// Reports findings of this score or more, from 0 to 1. Default: 0.5.
    ///
    /// Numbers with a check digit have 0.85 or more, shapes without one 0.1 to 0.8; a word nearby
    /// adds 0.45. Values outside of the range count as its nearest end.
    pub fn min_score(mut self, score: f32) -> Self {
        self.0.min_score = (score.clamp(0.0, 1.0) * 100.0).round() as u8;
        self
    }

    /// Adds a recognizer. Its findings have the kind [`PersonalDataKind::Custom`] and this name.
    ///
    /// It receives the text and returns places in bytes, each with a score from 0 to 1. A place that
    /// is outside of the text or cuts a character is ignored. It is called for every text, several
    /// times in a sanitizer, so keep it fast.
    pub fn recognizer(
        mut self,
        name: impl Into<Arc<str>>,
        find: impl Fn(&str) -> Vec<(Range<usize>, f32)> + Send + Sync + 'static,
    ) -> Self {
        self.0.recognizers.push((name.into(), Arc::new(find)));
        self
    }

    /// Returns the finder.
    #[must_use]
    pub fn build(self) -> PersonalData {
        PersonalData(Arc::new(self.0))
    }
}

impl fmt::Debug for PersonalDataBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.clone().build(), f)
    }
}
