//! What the steps of a sanitizer must know about a character before they look at it closely.
//!
//! Most texts hold nothing that any step changes. One pass collects the traits of all characters, and
//! a step runs only if a trait calls for it. The traits come from the functions that the steps use
//! themselves, so the two cannot disagree.
//!
//! They are computed once in a process for each block of 256 code points that a text needs.

use std::ops::{BitOr, BitOrAssign};
use std::sync::OnceLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick, is_nfkc_quick};

use super::Class;
use super::tables::{is_mark, suspect};

/// The code points of one block of the table.
const BLOCK: usize = 256;

/// The number of blocks: all code points up to U+10FFFF.
const BLOCKS: usize = 0x11_0000 / BLOCK;

/// A set of traits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Traits(u8);

impl Traits {
    /// Every trait. For a text that was not looked at.
    pub(crate) const ALL: Self = Self(u8::MAX);
    /// No trait: no step changes such a character, whatever stands beside it.
    pub(crate) const NONE: Self = Self(0);

    /// A line feed.
    pub(crate) const LINE_FEED: Self = Self(1);
    /// A tab.
    pub(crate) const TAB: Self = Self(1 << 1);
    /// A space other than U+0020.
    pub(crate) const SPACE: Self = Self(1 << 2);
    /// A character of any other class.
    pub(crate) const SUSPECT: Self = Self(1 << 3);
    /// A combining mark.
    pub(crate) const MARK: Self = Self(1 << 4);
    /// NFC may change it, or join it with its neighbors.
    pub(crate) const COMPOSES: Self = Self(1 << 5);
    /// NFKC may change it, or join it with its neighbors.
    pub(crate) const COMPATIBLE: Self = Self(1 << 6);
    /// A bracket, with which tokens of chat templates begin or end.
    pub(crate) const BRACKET: Self = Self(1 << 7);

    /// Tells whether both sets have a trait in common.
    pub(crate) const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the traits of a character.
    pub(crate) fn of(c: char) -> Self {
        static TABLE: [OnceLock<Box<[Traits; BLOCK]>>; BLOCKS] =
            [const { OnceLock::new() }; BLOCKS];
        let (block, index) = (u32::from(c) as usize / BLOCK, u32::from(c) as usize % BLOCK);
        let block = TABLE
            .get(block)
            .map(|cell| cell.get_or_init(|| Box::new(decide_block(block))));
        block
            .and_then(|block| block.get(index))
            .copied()
            .unwrap_or(Self::ALL)
    }
}

impl BitOr for Traits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Traits {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Decides the traits of a block. Surrogates are no characters, and have all.
fn decide_block(block: usize) -> [Traits; BLOCK] {
    std::array::from_fn(|index| {
        let code = u32::try_from(block * BLOCK + index).ok();
        code.and_then(char::from_u32).map_or(Traits::ALL, decide)
    })
}

/// Decides the traits of a character, from the functions that the steps use.
fn decide(c: char) -> Traits {
    let mut traits = match suspect(c) {
        None => Traits::NONE,
        Some(Class::LineFeed) => Traits::LINE_FEED,
        Some(Class::Space) => Traits::SPACE,
        Some(Class::Tab) => Traits::TAB,
        Some(_) => Traits::SUSPECT,
    };
    let one = std::iter::once(c);
    let joins = canonical_combining_class(c) != 0;
    for (has, which) in [
        (is_mark(c), Traits::MARK),
        (
            joins || is_nfc_quick(one.clone()) != IsNormalized::Yes,
            Traits::COMPOSES,
        ),
        (
            joins || is_nfkc_quick(one) != IsNormalized::Yes,
            Traits::COMPATIBLE,
        ),
        (matches!(c, '<' | '＜' | '[' | ']' | '｜'), Traits::BRACKET),
    ] {
        if has {
            traits |= which;
        }
    }
    traits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_what_is_decided() {
        // Each decision is slow in a test. A step that is no divisor of 256 visits every index.
        for c in ('\0'..=char::MAX).step_by(13) {
            assert_eq!(Traits::of(c), decide(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn white_space_other_than_the_plain_space_has_a_trait() {
        let space = Traits::LINE_FEED | Traits::TAB | Traits::SPACE | Traits::SUSPECT;
        for c in ('\0'..=char::MAX).filter(|&c| c.is_whitespace() && c != ' ') {
            assert!(Traits::of(c).has_any(space), "{:x}", u32::from(c));
        }
    }
}
