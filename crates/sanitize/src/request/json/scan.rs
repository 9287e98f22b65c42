//! A strict JSON parser (RFC 8259) that keeps only the selected values.
//!
//! It recurses once a level, up to the limit of nesting. The first flaw ends it, and the request is
//! refused with 400.
//!
//! Each value is reached with a list of targets that lead to it: the pointers whose steps match the path
//! so far. A member or an element keeps those whose next step matches. When no step is left, the value
//! is selected.
//!
//! Stricter than RFC 8259 asks for, where parsers differ:
//!
//! | Input | Common parsers | Here |
//! |---|---|---|
//! | a name twice in one object | the first, the last, or both | refused |
//! | half of a surrogate pair (`\\ud83d`) | replaced, kept, or refused | refused |
//! | nesting without end | a full stack | refused above the limit |
//! | text after the document | ignored or refused | refused |
//!
//! Time grows in proportion to the document and to the number of targets. Names are kept until their
//! object ends, to find duplicates.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::Caps;
use super::found::{Flaw, FoundField, PartOf, Target, Value};
use super::names::Names;
use crate::json_string::{self, plain_length};

/// The state of one pass over a document.
///
/// It reads bytes, since all characters with a meaning in JSON are ASCII.
pub(crate) struct Scanner<'t, 'p> {
    /// The whole document.
    pub(super) text: &'t str,
    /// The next byte to read.
    ///
    /// Always at the border of a character.
    pub(super) at: usize,
    /// The limits. The number of members is counted down.
    pub(super) caps: Caps,
    /// What is looked for.
    targets: &'p [Target<'p>],
    /// Whether names that lenient parsers take for a field's are refused.
    refuse_near_names: bool,
    /// The selected values so far.
    found: Vec<FoundField<'t>>,
    /// The innermost list: where it begins, and its level of nesting.
    list: Option<(usize, usize)>,
    /// The name of the member that is read.
    member: Cow<'t, str>,
}

impl<'t, 'p> Scanner<'t, 'p> {
    /// Reads the whole document. Returns the selected values in the order of their positions.
    ///
    /// White space around the document is allowed, anything else behind it is not.
    ///
    /// # Errors
    ///
    /// The first flaw, from left to right.
    pub(crate) fn scan(
        text: &'t str,
        caps: Caps,
        targets: &'p [Target<'p>],
        refuse_near_names: bool,
    ) -> Result<Vec<FoundField<'t>>, Flaw> {
        let mut scanner = Self {
            text,
            at: 0,
            caps,
            targets,
            refuse_near_names,
            found: Vec::new(),
            list: None,
            member: Cow::default(),
        };
        let all: SmallVec<[usize; 4]> = (0..targets.len()).collect();
        scanner.value(0, &all)?;
        match scanner.peek() {
            None => Ok(scanner.found),
            Some(_) => Err(Flaw::Syntax),
        }
    }

    /// Reads a value that was reached by `active` targets, each of them in `depth` steps so far.
    ///
    /// The value may begin after white space. `depth` is also the level of nesting.
    ///
    /// # Errors
    ///
    /// The first flaw in it.
    fn value(&mut self, depth: usize, active: &[usize]) -> Result<(), Flaw> {
        let first = self.peek();
        let (start, place) = (self.at, self.found.len());
        let part = self.part_of(depth);
        let value = match first.ok_or(Flaw::Syntax)? {
            b'{' => self.scan_object(depth, active)?,
            b'[' => self.scan_array(depth, active)?,
            b'"' => Value::Text(self.scan_string()?),
            b't' => self.scan_word("true", Value::Other)?,
            b'f' => self.scan_word("false", Value::Other)?,
            b'n' => self.scan_word("null", Value::Null)?,
            _ => self.scan_number()?,
        };
        let is_text = matches!(value, Value::Text(_));
        // Below a deep path there may be anything, but only strings are meant.
        let targets = self.follow_targets(active, |target| {
            target.path.ends_at(depth) && (is_text || !target.path.is_deep())
        });
        if !targets.is_empty() {
            let found = FoundField {
                targets,
                span: start..self.at,
                value,
                object: None,
                part,
            };
            // A container comes before its contents.
            self.found.insert(place, found);
        }
        Ok(())
    }

    /// Reads an object. Members follow the targets whose next step is their name or `*`.
    ///
    /// Names are compared after their escapes are decoded: `"a"` and `"\u0061"` are the same name.
    ///
    /// # Errors
    ///
    /// The first flaw in it, or a name that is there twice.
    fn scan_object(&mut self, depth: usize, active: &[usize]) -> Result<Value<'t>, Flaw> {
        let object = self.at;
        self.open(depth)?;
        let mut names = Names::default();
        if self.take(b'}') {
            return Ok(Value::Other);
        }
        loop {
            self.count_member()?;
            if self.peek() != Some(b'"') {
                return Err(Flaw::Syntax);
            }
            let start = self.at;
            let name = self.scan_string()?;
            self.check_name(depth, active, &name, start..self.at, object)?;
            if !self.take(b':') {
                return Err(Flaw::Syntax);
            }
            let next =
                self.follow_targets(active, |target| target.path.leads_to_member(depth, &name));
            self.member = name.clone();
            if !names.insert(name) {
                return Err(Flaw::Duplicate);
            }
            self.value(depth.saturating_add(1), &next)?;
            if self.take(b'}') {
                return Ok(Value::Other);
            }
            if !self.take(b',') {
                return Err(Flaw::Syntax);
            }
        }
    }

    /// Checks the name of a member, and selects it if names are selected.
    ///
    /// # Errors
    ///
    /// [`Flaw::NearName`] with the index of the target.
    fn check_name(
        &mut self,
        depth: usize,
        active: &[usize],
        name: &str,
        span: Range<usize>,
        object: usize,
    ) -> Result<(), Flaw> {
        if self.refuse_near_names {
            let near =
                self.follow_targets(active, |target| target.path.nearly_leads_to(depth, name));
            if let Some(&target) = near.first() {
                return Err(Flaw::NearName(target));
            }
        }
        let targets =
            self.follow_targets(active, |target| target.names && target.path.is_below(depth));
        if !targets.is_empty() {
            self.found.push(FoundField {
                targets,
                span,
                value: Value::Text(Cow::Owned(name.to_owned())),
                object: Some(object),
                part: None,
            });
        }
        Ok(())
    }

    /// Reads an array. Elements follow the targets whose next step is their index or `*`.
    ///
    /// # Errors
    ///
    /// The first flaw in it.
    fn scan_array(&mut self, depth: usize, active: &[usize]) -> Result<Value<'t>, Flaw> {
        let outer = self.list.replace((self.at, depth));
        self.open(depth)?;
        if self.take(b']') {
            self.list = outer;
            return Ok(Value::Other);
        }
        for index in 0.. {
            self.count_member()?;
            let next =
                self.follow_targets(active, |target| target.path.leads_to_element(depth, index));
            self.value(depth.saturating_add(1), &next)?;
            if self.take(b']') {
                break;
            }
            if !self.take(b',') {
                return Err(Flaw::Syntax);
            }
        }
        self.list = outer;
        Ok(Value::Other)
    }

    /// Returns the list that a value of this depth is a part of: as an element, or as a member of an element.
    fn part_of(&mut self, depth: usize) -> Option<PartOf<'t>> {
        let member = std::mem::take(&mut self.member);
        let (list, level) = self.list?;
        let member = match depth.checked_sub(level)? {
            1 => Cow::default(),
            2 => member,
            _ => return None,
        };
        Some(PartOf { list, member })
    }

    /// Reads the opening bracket. Fails beyond the limit of nesting.
    ///
    /// # Errors
    ///
    /// [`Flaw::Depth`] beyond the limit.
    fn open(&mut self, depth: usize) -> Result<(), Flaw> {
        self.at = self.at.saturating_add(1);
        if depth >= self.caps.depth {
            Err(Flaw::Depth)
        } else {
            Ok(())
        }
    }

    /// Counts a member or element. Fails beyond the limit.
    ///
    /// # Errors
    ///
    /// [`Flaw::Keys`] beyond the limit.
    fn count_member(&mut self) -> Result<(), Flaw> {
        self.caps.keys = self.caps.keys.checked_sub(1).ok_or(Flaw::Keys)?;
        Ok(())
    }

    /// Returns the targets that continue with a step.
    fn follow_targets(
        &self,
        active: &[usize],
        leads: impl Fn(&Target<'p>) -> bool,
    ) -> SmallVec<[usize; 2]> {
        let mut next = SmallVec::new();
        for &target in active {
            if self.targets.get(target).is_some_and(&leads) {
                next.push(target);
            }
        }
        next
    }

    /// Reads a string and decodes it.
    ///
    /// Control characters must be escaped (RFC 8259, section 7).
    ///
    /// # Errors
    ///
    /// [`Flaw::Syntax`] without a closing quote, or for an escape that does not exist;
    /// [`Flaw::Surrogate`].
    fn scan_string(&mut self) -> Result<Cow<'t, str>, Flaw> {
        let start = self.at.saturating_add(1);
        let bytes = self.text.as_bytes();
        let mut end = start;
        let mut has_escapes = false;
        loop {
            end = end.saturating_add(plain_length(bytes.get(end..).unwrap_or_default()));
            match bytes.get(end).ok_or(Flaw::Syntax)? {
                b'"' => break,
                b'\\' => end = end.saturating_add(2),
                _ => return Err(Flaw::Syntax),
            }
            has_escapes = true;
        }
        self.at = end.saturating_add(1);
        let raw = self.text.get(start..end).ok_or(Flaw::Syntax)?;
        if raw.len() > self.caps.string {
            return Err(Flaw::Text);
        }
        if has_escapes {
            Ok(json_string::decode(raw)?)
        } else {
            Ok(Cow::Borrowed(raw))
        }
    }

    /// Reads `true`, `false` or `null`.
    ///
    /// # Errors
    ///
    /// [`Flaw::Syntax`] for any other word.
    fn scan_word(&mut self, word: &str, value: Value<'t>) -> Result<Value<'t>, Flaw> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(Flaw::Syntax);
        }
        self.at = self.at.saturating_add(word.len());
        Ok(value)
    }

    /// Skips at most `most` bytes of a kind. Returns how many were skipped.
    pub(super) fn skip_bytes(&mut self, kind: impl Fn(u8) -> bool, most: usize) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest
            .iter()
            .take(most)
            .take_while(|&&byte| kind(byte))
            .count();
        self.at = self.at.saturating_add(count);
        count
    }

    /// Skips white space. Returns the next byte without reading it.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at = self.at.saturating_add(1),
                next => return next.copied(),
            }
        }
    }

    /// Skips white space, and reads this byte if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at = self.at.saturating_add(usize::from(comes));
        comes
    }
}
