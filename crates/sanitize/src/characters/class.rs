//! The classes of characters that plain text does not need, and the actions for them.

/// A class of characters that plain text does not need.
///
/// Whether a character belongs to a class can depend on its neighbors. A joiner inside a Persian
/// word is plain text; the same joiner inside an English word is [`Class::Joiner`].
///
/// [`SanitizerBuilder::class`](crate::SanitizerBuilder::class) sets the action of a class, and
/// [`Report::count`](crate::Report::count) counts its characters.
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{Action, Class, Sanitizer};
///
/// // Poems keep their line breaks; hidden text is an attack, and not cleaned away.
/// let sanitizer = Sanitizer::builder()
///     .class(Class::LineFeed, Action::Keep)
///     .class(Class::BidiControl, Action::Refuse)
///     .build()?;
/// assert_eq!(sanitizer.clean("床前\n明月光")?.text(), "床前\n明月光");
/// assert!(sanitizer.clean("invoice\u{202e}fdp.exe").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Class {
    /// Embeddings, overrides and isolates. They make text appear in another order than it is
    /// stored.
    ///
    /// Attacks: a file name that shows a false extension, and source code that reads differently
    /// (CVE-2021-42574).
    BidiControl,
    /// The three invisible direction marks: ALM (U+061C), LRM (U+200E) and RLM (U+200F).
    BidiMark,
    /// A combining mark beyond the number allowed on one base character.
    ///
    /// See [`SanitizerBuilder::max_marks`](crate::SanitizerBuilder::max_marks).
    CombiningMark,
    /// C0 controls without a class of their own, DEL, and C1. Terminals execute some of them.
    Control,
    /// A selector from U+E0100 to U+E01EF after an ideograph. It is valid there, but can carry one
    /// hidden byte.
    IdeographicVariant,
    /// Characters that show nothing: zero-width space, soft hyphen, fillers, annotation marks.
    Invisible,
    /// ZWJ or ZWNJ where neither the script nor an emoji sequence needs it.
    Joiner,
    /// CR, VT, FF, NEL, and the line and paragraph separators (U+2028, U+2029).
    LineBreak,
    /// LF (U+000A).
    LineFeed,
    /// Code points that are never characters, such as U+FFFE.
    Noncharacter,
    /// NUL (U+0000). Programs in C end a text there.
    Nul,
    /// Private use characters, whose meaning Unicode leaves to private agreement.
    PrivateUse,
    /// Spaces other than U+0020: no-break, ideographic, of various widths. To a reader they are one
    /// space; to a program each is another value.
    Space,
    /// TAB (U+0009).
    Tab,
    /// Tag characters outside the flags of England, Scotland and Wales.
    Tag,
    /// A variation selector where Unicode lists no variation sequence.
    VariationSelector,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::BidiControl,
        Self::BidiMark,
        Self::CombiningMark,
        Self::Control,
        Self::IdeographicVariant,
        Self::Invisible,
        Self::Joiner,
        Self::LineBreak,
        Self::LineFeed,
        Self::Noncharacter,
        Self::Nul,
        Self::PrivateUse,
        Self::Space,
        Self::Tab,
        Self::Tag,
        Self::VariationSelector,
    ];

    /// The number of classes.
    pub(crate) const COUNT: usize = 16;

    /// Returns the name of the class for error messages and reports, such as `tag characters`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BidiControl => "bidirectional controls",
            Self::BidiMark => "direction marks",
            Self::CombiningMark => "too many combining marks",
            Self::Control => "control characters",
            Self::IdeographicVariant => "ideographic variation selectors",
            Self::Invisible => "invisible characters",
            Self::Joiner => "stray joiners",
            Self::LineBreak => "line separators",
            Self::LineFeed => "line breaks",
            Self::Noncharacter => "noncharacters",
            Self::Nul => "NUL",
            Self::PrivateUse => "private use characters",
            Self::Space => "unusual spaces",
            Self::Tab => "tabs",
            Self::Tag => "tag characters",
            Self::VariationSelector => "stray variation selectors",
        }
    }
}

/// What is done with a character of a class.
///
/// Set with [`SanitizerBuilder::class`](crate::SanitizerBuilder::class).
///
/// ```
/// use palisade_sanitize::{Action, Class, Refused, Sanitizer};
///
/// let tab = |action| Sanitizer::builder().class(Class::Tab, action).build();
/// assert_eq!(tab(Action::Drop)?.clean("a\tb")?.text(), "ab");
/// assert_eq!(tab(Action::Replace(' '))?.clean("a\tb")?.text(), "a b");
/// assert_eq!(tab(Action::Refuse)?.clean("a\tb").unwrap_err(), Refused::Forbidden(Class::Tab));
/// let flagged = tab(Action::Flag)?.clean("a\tb")?.report().flagged(Class::Tab);
/// assert_eq!(flagged, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Removes it and counts it in the report.
    Drop,
    /// Keeps it and counts it in the report.
    Flag,
    /// Keeps it and does not count it.
    Keep,
    /// Refuses the whole text ([`Refused::Forbidden`](crate::Refused::Forbidden)).
    Refuse,
    /// Writes this character in its place and counts it in the report.
    ///
    /// CR LF is replaced as one character if CR is replaced. The character must itself be kept or
    /// flagged; otherwise [`SanitizerBuilder::build`](crate::SanitizerBuilder::build) fails.
    Replace(char),
}

/// One value for each class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PerClass<T>([T; Class::COUNT]);

impl<T: Copy> PerClass<T> {
    /// The same value for each class.
    pub(crate) const fn all(value: T) -> Self {
        Self([value; Class::COUNT])
    }

    /// Returns the value of a class.
    pub(crate) fn get(&self, class: Class) -> Option<T> {
        self.0.get(class as usize).copied()
    }

    /// Returns the value of a class to change it.
    pub(crate) fn get_mut(&mut self, class: Class) -> Option<&mut T> {
        self.0.get_mut(class as usize)
    }

    /// Lists the classes with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Class, T)> + '_ {
        Class::ALL.into_iter().zip(self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_stands_at_its_own_index() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index, "{class:?}");
        }
    }
}
