//! A strict reader of JSON (RFC 8259) that keeps only what is looked for.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use smallvec::SmallVec;

use super::{Caps, Path, string};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'p> {
    pub(crate) path: &'p Path,
    /// Names of members below the path are wanted too.
    pub(crate) names: bool,
}

/// Something that was looked for.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Found<'t> {
    /// The indices of the targets that led here.
    pub(crate) targets: SmallVec<[usize; 2]>,
    /// Where it is, quotes included.
    pub(crate) span: Range<usize>,
    pub(crate) value: Value<'t>,
    /// If it is the name of a member: where its object begins.
    pub(crate) object: Option<usize>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value<'t> {
    Null,
    Other,
    Text(Cow<'t, str>),
}

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    Depth,
    Duplicate,
    Keys,
    /// A name that careless readers take for that of the target with this index.
    NearName(usize),
    Surrogate,
    Syntax,
}

impl Flaw {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Depth => "is nested too deeply",
            Self::Duplicate => "has a name twice in one object",
            Self::Keys => "has too many members or elements",
            Self::NearName(_) => "has a name that is nearly the name of a field",
            Self::Surrogate => "has half of a surrogate pair",
            Self::Syntax => "is not valid",
        }
    }
}

/// Reads a text from left to right.
pub(crate) struct Scanner<'t, 'p> {
    text: &'t str,
    at: usize,
    caps: Caps,
    targets: &'p [Target<'p>],
    refuse_near_names: bool,
    found: Vec<Found<'t>>,
}

impl<'t, 'p> Scanner<'t, 'p> {
    /// Reads the whole text and gives what the targets lead to, in order of place.
    pub(crate) fn scan(
        text: &'t str,
        caps: Caps,
        targets: &'p [Target<'p>],
        refuse_near_names: bool,
    ) -> Result<Vec<Found<'t>>, Flaw> {
        let mut scanner = Self {
            text,
            at: 0,
            caps,
            targets,
            refuse_near_names,
            found: Vec::new(),
        };
        let all: Vec<usize> = (0..targets.len()).collect();
        scanner.value(0, &all)?;
        match scanner.peek() {
            None => Ok(scanner.found),
            Some(_) => Err(Flaw::Syntax),
        }
    }

    /// Reads a value that was reached by `active` targets, each of them in `depth` steps so far.
    fn value(&mut self, depth: usize, active: &[usize]) -> Result<(), Flaw> {
        let first = self.peek();
        let (start, place) = (self.at, self.found.len());
        let value = match first.ok_or(Flaw::Syntax)? {
            b'{' => self.object(depth, active)?,
            b'[' => self.array(depth, active)?,
            b'"' => Value::Text(self.string()?),
            b't' => self.word("true", Value::Other)?,
            b'f' => self.word("false", Value::Other)?,
            b'n' => self.word("null", Value::Null)?,
            _ => self.number()?,
        };
        let is_text = matches!(value, Value::Text(_));
        // Below a deep path there may be anything, but only strings are meant.
        let targets = self.follow(active, |target| {
            target.path.ends_at(depth) && (is_text || !target.path.is_deep())
        });
        if !targets.is_empty() {
            let found = Found {
                targets,
                span: start..self.at,
                value,
                object: None,
            };
            // A container comes before its contents.
            self.found.insert(place, found);
        }
        Ok(())
    }

    fn object(&mut self, depth: usize, active: &[usize]) -> Result<Value<'t>, Flaw> {
        let object = self.at;
        self.open(depth)?;
        let mut names: HashSet<Cow<'t, str>> = HashSet::new();
        if self.take(b'}') {
            return Ok(Value::Other);
        }
        loop {
            self.count()?;
            if self.peek() != Some(b'"') {
                return Err(Flaw::Syntax);
            }
            let start = self.at;
            let name = self.string()?;
            self.look_at_name(depth, active, &name, start..self.at, object)?;
            if !self.take(b':') {
                return Err(Flaw::Syntax);
            }
            let next = self.follow(active, |target| target.path.leads_to_member(depth, &name));
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

    /// Looks at the name of a member as such.
    fn look_at_name(
        &mut self,
        depth: usize,
        active: &[usize],
        name: &str,
        span: Range<usize>,
        object: usize,
    ) -> Result<(), Flaw> {
        if self.refuse_near_names {
            let near = self.follow(active, |target| target.path.nearly_leads_to(depth, name));
            if let Some(&target) = near.first() {
                return Err(Flaw::NearName(target));
            }
        }
        let targets = self.follow(active, |target| target.names && target.path.is_below(depth));
        if !targets.is_empty() {
            self.found.push(Found {
                targets,
                span,
                value: Value::Text(Cow::Owned(name.to_owned())),
                object: Some(object),
            });
        }
        Ok(())
    }

    fn array(&mut self, depth: usize, active: &[usize]) -> Result<Value<'t>, Flaw> {
        self.open(depth)?;
        if self.take(b']') {
            return Ok(Value::Other);
        }
        for index in 0.. {
            self.count()?;
            let next = self.follow(active, |target| target.path.leads_to_element(depth, index));
            self.value(depth.saturating_add(1), &next)?;
            if self.take(b']') {
                break;
            }
            if !self.take(b',') {
                return Err(Flaw::Syntax);
            }
        }
        Ok(Value::Other)
    }

    /// Steps over the bracket, unless it is one too many.
    fn open(&mut self, depth: usize) -> Result<(), Flaw> {
        self.at = self.at.saturating_add(1);
        if depth >= self.caps.depth {
            Err(Flaw::Depth)
        } else {
            Ok(())
        }
    }

    fn count(&mut self) -> Result<(), Flaw> {
        self.caps.keys = self.caps.keys.checked_sub(1).ok_or(Flaw::Keys)?;
        Ok(())
    }

    fn follow(
        &self,
        active: &[usize],
        leads: impl Fn(&Target<'p>) -> bool,
    ) -> SmallVec<[usize; 2]> {
        let leads = |target: &usize| self.targets.get(*target).is_some_and(&leads);
        active.iter().copied().filter(leads).collect()
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Flaw> {
        let start = self.at.saturating_add(1);
        let bytes = self.text.as_bytes();
        let mut end = start;
        loop {
            match bytes.get(end).ok_or(Flaw::Syntax)? {
                b'"' => break,
                b'\\' => end = end.saturating_add(2),
                0..=0x1f => return Err(Flaw::Syntax),
                _ => end = end.saturating_add(1),
            }
        }
        self.at = end.saturating_add(1);
        string::decode(self.text.get(start..end).ok_or(Flaw::Syntax)?)
    }

    fn word(&mut self, word: &str, value: Value<'t>) -> Result<Value<'t>, Flaw> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(Flaw::Syntax);
        }
        self.at = self.at.saturating_add(word.len());
        Ok(value)
    }

    fn number(&mut self) -> Result<Value<'t>, Flaw> {
        self.skip(|byte| byte == b'-', 1);
        let zero = self.skip(|byte| byte == b'0', 1) == 1;
        let digits = if zero { 1 } else { self.digits() };
        let mut whole = digits > 0;
        if self.skip(|byte| byte == b'.', 1) == 1 {
            whole &= self.digits() > 0;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) == 1 {
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            whole &= self.digits() > 0;
        }
        if whole {
            Ok(Value::Other)
        } else {
            Err(Flaw::Syntax)
        }
    }

    fn digits(&mut self) -> usize {
        self.skip(|byte| byte.is_ascii_digit(), usize::MAX)
    }

    /// Steps over bytes of a kind, at most so many, and gives how many there were.
    fn skip(&mut self, kind: impl Fn(u8) -> bool, most: usize) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest
            .iter()
            .take(most)
            .take_while(|&&byte| kind(byte))
            .count();
        self.at = self.at.saturating_add(count);
        count
    }

    /// Steps over white space and looks at what comes.
    fn peek(&mut self) -> Option<u8> {
        self.skip(
            |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
            usize::MAX,
        );
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over this byte if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at = self.at.saturating_add(usize::from(comes));
        comes
    }
}
