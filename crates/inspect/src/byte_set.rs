//! Sets of bytes.
//!
//! They answer three questions without running a rule: can a transformation change this text, can
//! this pattern match it, and is each byte allowed (`@validateByteRange`). Each question is four
//! operations on 64-bit words, independent of the length of the text. The set of a text is
//! computed once, when the text is added to a request.

/// A set of byte values, as 256 bits.
///
/// Byte `b` is bit `b & 63` of word `b >> 6`. The default is the empty set. It takes 32 bytes and
/// is copied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// All bytes.
    ///
    /// It marks a transformation that may change any text.
    pub(crate) const fn all() -> Self {
        Self([u64::MAX; 4])
    }

    /// The bytes of a text.
    ///
    /// The time is linear in the length. Repeated bytes count once.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut set = Self::default();
        for &byte in bytes {
            set.insert(byte);
        }
        set
    }

    /// The bytes from one to another, both included.
    ///
    /// It is empty if `from` is above `to`.
    pub(crate) fn range(from: u8, to: u8) -> Self {
        let mut set = Self::default();
        (from..=to).for_each(|byte| set.insert(byte));
        set
    }

    /// Adds a byte.
    pub(crate) fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    /// Whether the set has a byte.
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0
            .get(usize::from(byte >> 6))
            .is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    /// Whether both sets have a byte in common.
    ///
    /// False if one of them is empty.
    pub(crate) const fn intersects(&self, other: &Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (a & e) | (b & f) | (c & g) | (d & h) != 0
    }

    /// Whether the set has a byte that the other does not have.
    ///
    /// With the set of a text on the left and the allowed bytes on the right, it is the whole of
    /// `@validateByteRange`.
    pub(crate) const fn exceeds(&self, other: &Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (a & !e) | (b & !f) | (c & !g) | (d & !h) != 0
    }

    /// The bytes of both sets.
    pub(crate) const fn union(&self, other: &Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// How many bytes the set has.
    ///
    /// Smaller sets are rarer in ordinary text, so the count also orders sets by how much they
    /// tell.
    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The set with each letter in both cases.
    ///
    /// Patterns with `(?i)` and lists of phrases compare without case, but a text keeps its case,
    /// so the needed sets must have both. Only ASCII letters have two cases here.
    pub(crate) fn both_cases(&self) -> Self {
        let mut set = *self;
        for byte in (0..=u8::MAX).filter(|byte| self.contains(*byte)) {
            set.insert(byte.to_ascii_lowercase());
            set.insert(byte.to_ascii_uppercase());
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_compared() {
        let set = ByteSet::of(b"aZ\xff");
        assert!(set.contains(b'a') && set.contains(0xff) && !set.contains(b'b'));
        assert!(
            set.intersects(&ByteSet::range(0x80, 0xff)) && !set.intersects(&ByteSet::of(b"bc"))
        );
        assert!(set.exceeds(&ByteSet::range(0, 127)) && !set.exceeds(&ByteSet::all()));
        assert_eq!(set.both_cases(), ByteSet::of(b"aAzZ\xff"));
        assert_eq!(set.union(&ByteSet::of(b"b")).len(), 4);
    }
}
