//! What a sanitizer does with each character of a text, for an operator who asks why.

use super::sanitizer::Sanitizer;
use crate::characters::{Action, Class};

/// A character of a text, with the class that it has in its place and what is done with it.
///
/// Returned by [`Sanitizer::code_points`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CodePoint {
    /// The character.
    pub character: char,
    /// Its class, or `None` if plain text needs it here.
    pub class: Option<Class>,
    /// The action of the class. A character without a class is kept.
    pub action: Action,
}

impl Sanitizer {
    /// Returns the class of each character of a text, and what the filter of characters does with
    /// it.
    ///
    /// It shows the first round only: neither normalization nor rules nor white space. It refuses
    /// nothing: the action of a refused character is [`Action::Refuse`].
    ///
    /// ```
    /// use palisade_sanitize::{Action, Class, Sanitizer};
    ///
    /// let points = Sanitizer::speech().code_points("a\u{202e}");
    /// assert_eq!((points[0].class, points[0].action), (None, Action::Keep));
    /// assert_eq!((points[1].class, points[1].action), (Some(Class::BidiControl), Action::Drop));
    /// ```
    #[must_use]
    pub fn code_points(&self, text: &str) -> Vec<CodePoint> {
        self.filter().code_points(text)
    }
}
