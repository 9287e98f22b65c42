//! Finds personal data in a text, and replaces it.
//!
//! Each recognizer knows the shape of one kind, with its check digits where there are any. Words
//! nearby raise or lower the score. Of findings that overlap the most certain one stays. Nothing is
//! learned and nothing is asked over a network: the same text always has the same findings.

mod context_words;
mod finding;
mod kind;
mod placeholders;
mod recognizers;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use self::context_words::adjusted;
pub use self::finding::Finding;
use self::finding::without_overlaps;
pub use self::kind::{PersonalDataKind, UnknownPersonalDataKind};
pub use self::placeholders::{Placeholders, RestoreStream};
use self::recognizers::{candidates, is_card, is_mobile, is_resident_id};
use crate::error::SanitizeBuildError;
use crate::text::{Finder, Match, TextRule};

/// Findings below this score are not reported, in percent.
const MIN_SCORE: u8 = 50;

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
    kinds: Vec<PersonalDataKind>,
    min_score: u8,
    recognizers: Vec<(Arc<str>, Arc<Recognizer>)>,
}

impl PersonalData {
    /// Finds all kinds, with a score of at least 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder with the defaults: all kinds, a score of at least 0.5.
    pub fn builder() -> PersonalDataBuilder {
        PersonalDataBuilder(Settings {
            kinds: PersonalDataKind::ALL.to_vec(),
            min_score: MIN_SCORE,
            recognizers: Vec::new(),
        })
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
        let mut replaced = String::with_capacity(text.len());
        let mut done = 0;
        for finding in self.find(text) {
            replaced.push_str(text.get(done..finding.span.start).unwrap_or_default());
            let value = text.get(finding.range()).unwrap_or_default();
            replaced.push_str(&placeholders.name(finding.kind, value));
            done = finding.span.end;
        }
        replaced.push_str(text.get(done..).unwrap_or_default());
        replaced
    }

    /// Makes a rule for [`SanitizerBuilder::rule`](crate::SanitizerBuilder::rule), named
    /// `personal data`.
    ///
    /// It masks each character of what is found with `*`. For another effect call
    /// [`label`](TextRule::label), [`flag`](TextRule::flag), [`drop`](TextRule::drop) or
    /// [`refuse`](TextRule::refuse). [`Report::personal_data`](crate::Report::personal_data) counts
    /// by kind.
    pub fn rule(&self) -> TextRule {
        TextRule::finder("personal data", Arc::new(self.clone())).mask('*')
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
    fn find(&self, text: &str) -> Vec<Match> {
        let findings = Self::find(self, text).into_iter();
        findings
            .map(|finding| Match {
                label: finding.kind.label(),
                kind: Arc::from(finding.name()),
                place: finding.span,
            })
            .collect()
    }
}

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
#[derive(Clone)]
#[must_use]
pub struct PersonalDataBuilder(Settings);

impl PersonalDataBuilder {
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

/// Single kinds by their shape alone, without words nearby. [`PersonalData`] finds more kinds and
/// is more exact.
impl TextRule {
    /// Masks mobile phone numbers of mainland China with `*`, with or without `+86` or `0086`.
    ///
    /// To set another effect, call its method on the rule, for instance [`refuse`](Self::refuse).
    ///
    /// # Errors
    ///
    /// None. It returns a `Result` so that it is used like the other rules.
    pub fn mainland_phone() -> Result<Self, SanitizeBuildError> {
        Ok(Self::grouped_number("mainland phone", is_mobile).mask('*'))
    }

    /// Masks identity numbers of mainland China (GB 11643) with a correct check digit and a
    /// possible date of birth.
    ///
    /// # Errors
    ///
    /// None. It returns a `Result` so that it is used like the other rules.
    pub fn mainland_identity() -> Result<Self, SanitizeBuildError> {
        Ok(Self::grouped_number("mainland identity", is_resident_id).mask('*'))
    }

    /// Masks numbers of payment cards (ISO/IEC 7812).
    ///
    /// The prefix and length must be those of an issuer, and the check digit (Luhn) must be
    /// correct. Numbers of 13 digits that are something else, such as an ISBN or a time in
    /// milliseconds, have no issuer's prefix.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::bank_card()?).build()?;
    /// let clean = sanitizer.clean("I pay with 4111 1111 1111 1111.")?;
    /// assert_eq!(clean.text(), "I pay with *******************.");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None. It returns a `Result` so that it is used like the other rules.
    pub fn bank_card() -> Result<Self, SanitizeBuildError> {
        Ok(Self::grouped_number("bank card", is_card).mask('*'))
    }

    /// Masks e-mail addresses, also in full-width characters.
    ///
    /// The pattern accepts common addresses, not every form that RFC 5322 allows.
    ///
    /// # Errors
    ///
    /// As for [`TextRule::new`]. The pattern is fixed and valid.
    pub fn email() -> Result<Self, SanitizeBuildError> {
        let pattern = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
        Ok(Self::new("e-mail", pattern)?.only_if(|_| true).mask('*'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sanitizer;

    fn check(rule: Result<TextRule, SanitizeBuildError>, before: &str, after: &str) {
        let sanitizer = Sanitizer::builder().rule(rule.unwrap()).build().unwrap();
        assert_eq!(sanitizer.clean(before).unwrap().text(), after);
    }

    #[test]
    fn phones_are_masked() {
        let phone = TextRule::mainland_phone;
        check(phone(), "打13800138000吧", "打***********吧");
        check(phone(), "+86 138-0013-8000", "+****************");
        check(phone(), "008613800138000", "***************");
        check(
            phone(),
            "12800138000 或 138001380001",
            "12800138000 或 138001380001",
        );
    }

    #[test]
    fn identities_with_the_right_check_digit_are_masked() {
        let identity = TextRule::mainland_identity;
        check(
            identity(),
            "号码11010519491231002X。",
            "号码******************。",
        );
        check(identity(), "110105 19491231 002x", "********************");
        check(identity(), "110105194912310021", "110105194912310021");
    }

    #[test]
    fn cards_with_the_right_check_digit_are_masked() {
        let card = TextRule::bank_card;
        check(card(), "4111 1111 1111 1111", "*******************");
        check(
            card(),
            "4111 1111 1111 1112 0000000000000",
            "4111 1111 1111 1112 0000000000000",
        );
    }

    #[test]
    fn addresses_are_masked() {
        check(
            TextRule::email(),
            "写给 a.b+c@example.com。",
            "写给 *****************。",
        );
        check(
            TextRule::email(),
            "写ａ.b＠example．com",
            "写***************",
        );
        check(TextRule::email(), "a @ b, @name", "a @ b, @name");
    }

    #[test]
    fn a_recognizer_that_returns_wrong_places_is_ignored() {
        let places = |_: &str| vec![(0..1, 0.9), (2..99, 0.9), (3..3, 0.9), (0..3, f32::NAN)];
        let finder = PersonalData::builder().recognizer("r", places).build();
        assert_eq!(finder.find("好 a").len(), 0);
    }
}
