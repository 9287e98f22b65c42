//! Finds personal data in a text, and replaces it.
//!
//! Each recognizer knows the shape of one kind, with its check digits where there are any. Words
//! nearby raise or lower the score. Of findings that overlap the most certain one stays. Nothing is
//! learned and nothing is asked over a network: the same text always has the same findings.

mod builder;
mod single_rules;
mod stand_ins;
mod restore_stream;
mod placeholders;
mod finding;
mod context_words;
mod words_behind;
mod recognizers;
mod kind;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use self::builder::PersonalDataBuilder;
pub(crate) use self::context_words::BEHIND;
use self::context_words::adjusted;
pub use self::finding::Finding;
use self::finding::without_overlaps;
pub use self::kind::{PersonalDataKind, UnknownPersonalDataKind};
pub use self::placeholders::Placeholders;
pub(crate) use self::recognizers::PROVINCES;
use self::recognizers::candidates;
pub(crate) use self::restore_stream::MOST_RESTORED;
pub use self::restore_stream::RestoreStream;
use crate::text::{Finder, Match, TextRule};

/// A recognizer of the operator: returns places in bytes, each with a score from 0 to 1.
type Recognizer = dyn Fn(&str) -> Vec<(Range<usize>, f32)> + Send + Sync;

/// Finds personal data: phone numbers, identity numbers, cards, addresses, secrets.
///
/// [`find`](Self::find) reports kind, place and score. [`rule`](Self::rule) makes a [`TextRule`] of
/// it, so that a sanitizer masks what it finds. Cloning it clones an `Arc`.
///
/// # Defaults
///
/// All kinds of [`PersonalDataKind::ALL`], and a score of at least 0.5. Kinds without a check digit
/// need a word nearby to reach it, such as "passport"; a word for another number, such as "order",
/// takes score away.
///
/// # Limits
///
/// Names and postal addresses of people are not found: that needs a language model. Numbers in words
/// ("one three eight") are not found either. Time grows in proportion to the text.
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{PersonalData, PersonalDataKind};
///
/// let text = "我的手机是138 0013 8000，订单号13900139000";
/// let findings = PersonalData::new().find(text);
/// assert_eq!(findings.len(), 1, "the order is not a phone number");
/// assert_eq!(findings[0].kind(), PersonalDataKind::Phone);
/// assert_eq!(&text[findings[0].range()], "138 0013 8000");
/// assert_eq!(findings[0].char_range(text), 5..18);
/// assert_eq!(findings[0].score(), 1.0);
/// ```
///
/// In a sanitizer, two kinds only, with a label in place of the data:
///
/// ```
/// use palisade_sanitize::{PersonalData, PersonalDataKind, Sanitizer};
///
/// let finder = PersonalData::builder()
///     .kinds([PersonalDataKind::Email, PersonalDataKind::Iban])
///     .build();
/// let sanitizer = Sanitizer::builder().rule(finder.rule().label()).build()?;
/// let clean = sanitizer.clean("Pay to DE89 3704 0044 0532 0130 00, ask li@example.com")?;
/// assert_eq!(clean.text(), "Pay to [IBAN], ask [EMAIL]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PersonalData(Arc<Settings>);

/// What a [`PersonalData`] looks for.
#[derive(Clone)]
struct Settings {
    /// The kinds that are looked for.
    kinds: Vec<PersonalDataKind>,
    /// Findings with a lower score, in percent, are left out.
    min_score: u8,
    /// The recognizers of the operator, by name.
    recognizers: Vec<(Arc<str>, Arc<Recognizer>)>,
}

impl PersonalData {
    /// The name of the rule that [`rule`](Self::rule) makes.
    pub const RULE_NAME: &'static str = "personal data";

    /// Finds all kinds, with a score of at least 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder with the defaults: all kinds, a score of at least 0.5.
    pub fn builder() -> PersonalDataBuilder {
        PersonalDataBuilder::new()
    }

    /// Returns what was found, from left to right, without overlaps.
    ///
    /// ```
    /// use palisade_sanitize::PersonalData;
    ///
    /// let finder = PersonalData::new();
    /// let names = |text| -> Vec<String> {
    ///     finder.find(text).iter().map(|finding| finding.name().to_owned()).collect()
    /// };
    /// assert_eq!(names("车牌京A12345，IP 192.0.2.7"), ["plate", "ipv4"]);
    /// assert_eq!(names("护照E12345678"), ["passport"]);
    /// assert_eq!(names("货号E12345678"), [""; 0]);
    /// ```
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let settings = &*self.0;
        let mut findings: Vec<Finding> = candidates(text, &settings.kinds)
            .into_iter()
            .map(|found| {
                let (start, end) = (found.span.start, found.span.end);
                let score = adjusted(text, start, end, found.kind, found.score, found.checked);
                Finding::new(found.kind, found.span, score)
            })
            .collect();
        for (name, recognizer) in &settings.recognizers {
            let places = recognizer(text).into_iter();
            findings.extend(places.filter_map(|(place, score)| custom(text, name, place, score)));
        }
        findings.retain(|finding| finding.score >= settings.min_score);
        without_overlaps(findings)
    }

    /// Replaces what is found by placeholders such as `‹PHONE_1›`, which
    /// [`Placeholders::restore`] reverses.
    ///
    /// Use one [`Placeholders`] for all texts of a conversation, so that the same data keeps its
    /// placeholder.
    #[must_use]
    pub fn replace_with_placeholders(&self, text: &str, placeholders: &mut Placeholders) -> String {
        placeholders.put_in(text, &self.find(text))
    }

    /// Makes a rule for [`SanitizerBuilder::rule`](crate::SanitizerBuilder::rule), named
    /// [`RULE_NAME`](Self::RULE_NAME).
    ///
    /// It masks each character of what is found with `*`. For another effect call
    /// [`label`](TextRule::label), [`hash`](TextRule::hash), [`stand_in`](TextRule::stand_in),
    /// [`flag`](TextRule::flag), [`drop`](TextRule::drop) or [`refuse`](TextRule::refuse). [`Report::personal_data`](crate::Report::personal_data) counts
    /// by kind.
    pub fn rule(&self) -> TextRule {
        TextRule::named_finder(Self::RULE_NAME, Arc::new(self.clone())).mask('*')
    }
}

/// Makes a finding of a recognizer of the operator. `None` if the place is not in the text, is
/// empty, or cuts a character.
fn custom(text: &str, name: &Arc<str>, place: Range<usize>, score: f32) -> Option<Finding> {
    let found = text.get(place.clone())?;
    let percent = (score.clamp(0.0, 1.0) * 100.0).round() as u8; // 0 to 100 by the clamp; NaN is 0
    (!found.is_empty()).then(|| Finding {
        custom: Some(Arc::clone(name)),
        ..Finding::new(PersonalDataKind::Custom, place, percent)
    })
}

impl Default for PersonalData {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PersonalData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.recognizers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("PersonalData")
            .field("kinds", &self.0.kinds)
            .field("min_score", &self.0.min_score)
            .field("recognizers", &names)
            .finish()
    }
}

impl Finder for PersonalData {
    fn reports_places(&self) -> bool {
        true
    }

    fn find(&self, text: &str) -> Vec<Match> {
        let findings = Self::find(self, text).into_iter();
        findings
            .map(|finding| Match {
                label: finding.kind.label(),
                kind: Arc::from(finding.name()),
                stand_in: stand_ins::of_kind(finding.kind),
                score: finding.percent(),
                place: finding.span,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recognizer_that_returns_wrong_places_is_ignored() {
        let places = |_: &str| vec![(0..1, 0.9), (2..99, 0.9), (3..3, 0.9), (0..3, f32::NAN)];
        let finder = PersonalData::builder().recognizer("r", places).build();
        assert_eq!(finder.find("好 a").len(), 0);
    }
}
