//! The kinds of characters that are judged, and what may be done with them.

/// A kind of character that plain text does not need.
///
/// Whether a character belongs to a class can depend on its neighbours: a joiner inside a Persian
/// word is plain text, the same joiner inside an English word is [`Class::Joiner`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Class {
    /// Embeddings, overrides and isolates, which make text show in another order than it is read.
    BidiControl,
    /// The three invisible direction marks (ALM, LRM, RLM).
    BidiMark,
    /// A combining mark beyond the number one base character may carry.
    CombiningMark,
    /// C0 but those that have a class of their own, DEL, and C1.
    Control,
    /// A selector of the form U+E0100 to U+E01EF behind an ideograph, where it is valid but can
    /// carry one hidden byte.
    IdeographicVariant,
    /// Characters that show nothing: zero-width space, soft hyphen, fillers, annotation marks.
    Invisible,
    /// ZWJ or ZWNJ where neither the script nor an emoji sequence needs it.
    Joiner,
    /// CR, VT, FF, NEL, and the line and paragraph separators.
    LineBreak,
    /// LF.
    LineFeed,
    /// Code points that are never characters, such as U+FFFE.
    Noncharacter,
    /// NUL.
    Nul,
    /// Characters whose meaning is private.
    PrivateUse,
    /// Spaces other than U+0020: no-break, ideographic, of various widths. To a reader they are one
    /// space; to a program each is another value.
    Space,
    /// TAB.
    Tab,
    /// Tag characters outside the flags of England, Scotland and Wales.
    Tag,
    /// A variation selector where Unicode lists no variation sequence.
    VariationSelector,
}

impl Class {
    /// Lists every class.
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

    pub(crate) const COUNT: usize = 16;

    /// Names the class for people who read an error or a report.
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Leaves it out.
    Drop,
    /// Keeps it and counts it in the report.
    Flag,
    /// Keeps it.
    Keep,
    /// Refuses the whole text.
    Refuse,
    /// Writes another character in its place.
    Replace(char),
}

/// One value for each class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PerClass<T>([T; Class::COUNT]);

impl<T: Copy> PerClass<T> {
    pub(crate) const fn all(value: T) -> Self {
        Self([value; Class::COUNT])
    }

    pub(crate) fn get(&self, class: Class) -> Option<T> {
        self.0.get(class as usize).copied()
    }

    pub(crate) fn get_mut(&mut self, class: Class) -> Option<&mut T> {
        self.0.get_mut(class as usize)
    }

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
