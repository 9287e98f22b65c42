//! Stretches of one script.

/// Tells whether a character may be part of a Latin word.
pub(crate) fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '\''
}

/// A stretch of one script.
pub(crate) enum Run<'a> {
    Chinese(&'a str),
    Letters(&'a str),
    Other(char),
}

impl Run<'_> {
    pub(crate) const fn length(&self) -> usize {
        match self {
            Self::Chinese(text) | Self::Letters(text) => text.len(),
            Self::Other(c) => c.len_utf8(),
        }
    }
}

/// Cuts a text where its script changes.
pub(crate) trait ChunkByKind {
    fn chunk_by_kind(&self) -> Vec<Run<'_>>;
}

impl ChunkByKind for str {
    fn chunk_by_kind(&self) -> Vec<Run<'_>> {
        let mut runs = Vec::new();
        let mut rest = self;
        while let Some(first) = rest.chars().next() {
            let end = |same: fn(char) -> bool| rest.find(|c| !same(c)).unwrap_or(rest.len());
            let (run, length) = if is_han(first) {
                let length = end(is_han);
                (rest.get(..length).map(Run::Chinese), length)
            } else if first.is_ascii_alphabetic() {
                let length = end(is_latin);
                (rest.get(..length).map(Run::Letters), length)
            } else {
                (Some(Run::Other(first)), first.len_utf8())
            };
            runs.extend(run);
            rest = rest.get(length..).unwrap_or_default();
        }
        runs
    }
}

/// Tells whether a character is a Chinese one.
#[must_use]
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
