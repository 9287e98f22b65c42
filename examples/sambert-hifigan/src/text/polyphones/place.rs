//! What stands around a character, and what can be asked about it.

use crate::text::segment::Cut;

/// Words looked at on either side, however long the clause is.
const REACH: usize = 12;

/// What stands around a character.
pub(super) struct Place<'a> {
    pub(super) before: &'a [Cut<'a>],
    pub(super) after: &'a [Cut<'a>],
}

impl<'a> Place<'a> {
    /// Takes the neighbors of the word at an index.
    pub(super) fn new(cuts: &'a [Cut<'a>], index: usize) -> Self {
        let first = index.saturating_sub(REACH);
        let last = cuts.len().min(index + 1 + REACH);
        Self {
            before: cuts.get(first..index).unwrap_or_default(),
            after: cuts.get(index + 1..last).unwrap_or_default(),
        }
    }

    /// Tells whether the next word begins with one of these, separated by blanks.
    pub(super) fn next_is(&self, words: &str) -> bool {
        self.after
            .first()
            .is_some_and(|cut| words.split(' ').any(|word| cut.text.starts_with(word)))
    }

    /// Tells whether the word before ends with one of these, separated by blanks.
    pub(super) fn last_is(&self, words: &str) -> bool {
        self.before
            .last()
            .is_some_and(|cut| words.split(' ').any(|word| cut.text.ends_with(word)))
    }

    /// Tells whether the next word's tag begins with one of these letters.
    pub(super) fn next_tag(&self, tags: &str) -> bool {
        self.after
            .first()
            .is_some_and(|cut| cut.tag.starts_with(|tag| tags.contains(tag)))
    }

    pub(super) fn last_tag(&self, tags: &str) -> bool {
        self.before
            .last()
            .is_some_and(|cut| cut.tag.starts_with(|tag| tags.contains(tag)))
    }

    /// Tells whether a number or a demonstrative stands before: what follows is then a measure.
    pub(super) fn counted(&self) -> bool {
        self.last_tag("m") || self.numbered()
    }

    pub(super) fn numbered(&self) -> bool {
        self.last_is("一 二 两 三 四 五 六 七 八 九 十 百 千 万 亿 几 半 多 这 那 每 某 哪")
    }

    /// Tells whether a verb and 得 stand before: what follows says whether it can be done.
    pub(super) fn possible(&self) -> bool {
        matches!(self.before, [.., verb, particle] if verb.tag.starts_with('v') && particle.text == "得")
    }

    /// Tells whether the character says its verb again: 数了数, 量一量.
    pub(super) fn redoubled(&self, c: char) -> bool {
        let mut encoded = [0; 4];
        let c = &*c.encode_utf8(&mut encoded);
        matches!(self.before, [.., first, middle] if first.text == c && matches!(middle.text, "了" | "一"))
    }

    /// Tells whether a thing stands before that something is on, and nothing behind that one could go up to.
    pub(super) fn is_locative(&self) -> bool {
        let on = self.any_before("在") || !self.next_tag("ns") && !self.any_before("把 将 给");
        self.last_tag("ns") && on
    }

    /// Tells whether 的 stands for 得 and is followed by how something looks: 长的很高.
    pub(super) fn looks(&self) -> bool {
        matches!(self.after, [particle, how, ..] if particle.text == "的"
            && "很 真 好 太 不 像 挺 比较 非常".split(' ').any(|word| how.text.starts_with(word)))
    }

    pub(super) fn any_before(&self, words: &str) -> bool {
        self.before
            .iter()
            .any(|cut| words.split(' ').any(|word| cut.text == word))
    }

    pub(super) fn any_tag_after(&self, tags: &str) -> bool {
        self.after
            .iter()
            .any(|cut| cut.tag.starts_with(|tag| tags.contains(tag)))
    }
}
