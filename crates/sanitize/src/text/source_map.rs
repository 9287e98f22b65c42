//! Where each part of a text comes from in the input, through all changes.
//!
//! Personal data is found in the cleaned text, but a report must say where it is in the text that
//! was sent. Each step records what it replaced; the map composes these records.
//!
//! # Example
//!
//! The input `a<ZWSP>138…` loses its second character. The map then holds one piece: nothing at
//! place 1 of the text stands for the three bytes at place 1 of the input. A number that begins at
//! place 1 of the text begins at place 4 of the input.
//!
//! # Work
//!
//! A step costs time in proportion to the pieces and the edits. Without a search that reports places
//! nothing is recorded.

use std::ops::Range;

/// Maps places of a text to places of the input. All places are in bytes.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    /// Whether anything wants to know places. Without that, no step is recorded.
    is_recording: bool,
    /// The changed parts, from left to right. What is between them was copied.
    pieces: Vec<Piece>,
    /// The changes of the step that is running, from left to right.
    edits: Vec<Edit>,
}

/// A changed part: this range of the text stands for that range of the input.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Piece {
    /// The part of the text as it is now.
    now: Range<usize>,
    /// The part of the input that it stands for.
    input: Range<usize>,
}

/// A change of one step.
#[derive(Clone, Debug)]
struct Edit {
    /// The part of the text before the step.
    before: Range<usize>,
    /// How long it is after the step.
    length: usize,
}

/// Pieces and edits that share a part of the text, and so become one piece.
struct Group {
    /// The part of the text before the step that they share.
    before: Range<usize>,
    /// Bytes that the edits of the group removed.
    removed: usize,
    /// Bytes that they added.
    added: usize,
    /// The piece, if the group is one piece and no edit.
    alone: Option<Piece>,
}

impl SourceMap {
    /// Makes a map that records nothing, or one that records all changes.
    pub(crate) fn new(is_recording: bool) -> Self {
        Self {
            is_recording,
            ..Self::default()
        }
    }

    /// Tells whether changes are recorded. A step may skip work if they are not.
    pub(crate) const fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// Records that a step replaced this range of the text by so many bytes. Ranges come in
    /// ascending order and do not overlap.
    pub(crate) fn record(&mut self, before: Range<usize>, length: usize) {
        if !self.is_recording {
            return;
        }
        match self.edits.last_mut() {
            // A run of dropped characters is one piece.
            Some(last) if last.before.end == before.start && last.length == 0 && length == 0 => {
                last.before.end = before.end;
            }
            _ => self.edits.push(Edit { before, length }),
        }
    }

    /// Composes the changes of a step with the earlier ones. Called after each step.
    pub(crate) fn end_step(&mut self) {
        if self.edits.is_empty() {
            return;
        }
        let edits = std::mem::take(&mut self.edits);
        let mut pieces = Vec::with_capacity(self.pieces.len() + edits.len());
        let (mut removed, mut added) = (0, 0);
        for group in self.groups(edits) {
            let start = group.before.start + added - removed;
            added += group.added;
            removed += group.removed;
            let end = group.before.end + added - removed;
            let input = match group.alone {
                Some(piece) => piece.input,
                None => self.in_input(&group.before),
            };
            pieces.push(Piece {
                now: start..end,
                input,
            });
        }
        self.pieces = pieces;
    }

    /// Translates a range of the text into one of the input.
    pub(crate) fn in_input(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.start(range.start);
        start..self.end(range.end).max(start)
    }

    /// Joins the pieces and edits that overlap.
    fn groups(&self, edits: Vec<Edit>) -> Vec<Group> {
        let mut all: Vec<Group> = self.pieces.iter().map(Group::of_piece).collect();
        all.extend(edits.into_iter().map(Group::of_edit));
        // The sort is stable: a piece comes before an edit of the same place.
        all.sort_by_key(|group| (group.before.start, group.before.end));
        let mut joined: Vec<Group> = Vec::with_capacity(all.len());
        for group in all {
            match joined.last_mut() {
                Some(last) if group.before.start < last.before.end => last.join(&group),
                _ => joined.push(group),
            }
        }
        joined
    }

    /// Returns where a range that starts here starts in the input.
    fn start(&self, at: usize) -> usize {
        let next = self.pieces.partition_point(|piece| piece.now.start <= at);
        match next.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(piece) if at < piece.now.end => piece.input.start,
            Some(piece) => piece.input.end + (at - piece.now.end),
            None => at,
        }
    }

    /// Returns where a range that ends here ends in the input.
    fn end(&self, at: usize) -> usize {
        let next = self.pieces.partition_point(|piece| piece.now.start < at);
        match next.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(piece) if at <= piece.now.end => piece.input.end,
            Some(piece) => piece.input.end + (at - piece.now.end),
            None => at,
        }
    }
}

impl Group {
    /// Begins with a piece that no edit has touched.
    fn of_piece(piece: &Piece) -> Self {
        Self {
            before: piece.now.clone(),
            removed: 0,
            added: 0,
            alone: Some(piece.clone()),
        }
    }

    /// Begins with an edit.
    fn of_edit(edit: Edit) -> Self {
        Self {
            removed: edit.before.len(),
            added: edit.length,
            before: edit.before,
            alone: None,
        }
    }

    /// Adds another piece or edit, which reaches into this group.
    fn join(&mut self, other: &Self) {
        self.before.end = self.before.end.max(other.before.end);
        self.removed += other.removed;
        self.added += other.added;
        self.alone = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Applies edits to a text whose characters know where they come from.
    fn apply(
        text: &[Option<usize>],
        edits: &[(Range<usize>, usize)],
        map: &mut SourceMap,
    ) -> Vec<Option<usize>> {
        let (mut out, mut done) = (Vec::new(), 0);
        for (range, length) in edits {
            out.extend_from_slice(&text[done..range.start]);
            out.extend(std::iter::repeat_n(None, *length));
            map.record(range.clone(), *length);
            done = range.end;
        }
        out.extend_from_slice(&text[done..]);
        map.end_step();
        out
    }

    #[test]
    fn a_dropped_character_before_a_range_moves_it_and_one_within_is_part_of_it() {
        let mut map = SourceMap::new(true);
        map.record(1..4, 0);
        map.record(6..9, 0);
        map.end_step();
        assert_eq!(map.in_input(&(1..5)), 4..11);
        assert_eq!(map.in_input(&(0..1)), 0..1);
        assert_eq!(map.in_input(&(1..3)), 4..6);
        // What is replaced stands for all it replaced.
        map.record(1..5, 2);
        map.end_step();
        assert_eq!(map.in_input(&(1..3)), 4..11);
        assert_eq!(map.in_input(&(2..4)), 4..12);
    }

    #[test]
    fn nothing_is_recorded_unless_asked_for() {
        let mut map = SourceMap::new(false);
        map.record(1..4, 0);
        map.end_step();
        assert_eq!(map.in_input(&(1..3)), 1..3);
    }

    proptest! {
        /// A character that was copied through all steps is mapped to itself, and order is kept.
        #[test]
        fn copied_characters_are_found_again(
            steps in prop::collection::vec(prop::collection::vec((0usize..40, 0usize..6, 0usize..5), 0..6), 1..5),
        ) {
            let mut map = SourceMap::new(true);
            let mut text: Vec<Option<usize>> = (0..60).map(Some).collect();
            for step in steps {
                let mut edits = Vec::new();
                let mut from = 0;
                for (skip, length, by) in step {
                    let start = from + skip;
                    if start + length > text.len() {
                        break;
                    }
                    edits.push((start..start + length, by));
                    from = start + length;
                }
                text = apply(&text, &edits, &mut map);
            }
            for (at, source) in text.iter().enumerate() {
                let place = map.in_input(&(at..at + 1));
                match source {
                    Some(source) => prop_assert_eq!(place, *source..*source + 1),
                    None => prop_assert!(place.start <= place.end && place.end <= 60),
                }
            }
        }
    }
}
