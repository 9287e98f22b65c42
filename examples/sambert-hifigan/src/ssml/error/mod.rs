//! What is wrong with a document, and where.

mod problem;

use std::fmt;

pub use self::problem::SsmlProblem;

/// Why a document cannot be spoken: what is wrong, and where.
///
/// ```
/// use sambert_hifigan::{SsmlProblem, Style, Voice};
///
/// let voice = Voice::demo()?;
/// let error = voice.plan_ssml("<speak>你好<pause/></speak>", &Style::default()).unwrap_err();
/// assert_eq!((error.position().line, error.position().column, error.position().offset), (1, 10, 13));
/// assert!(matches!(error.problem(), SsmlProblem::Element { name, .. } if name == "pause"));
/// assert!(error.to_string().starts_with("line 1, column 10: there is no element \"pause\"; there are speak, p, s"));
/// # Ok::<(), sambert_hifigan::LoadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsmlError {
    position: SourcePosition,
    problem: SsmlProblem,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourcePosition {
    /// The bytes before it.
    pub offset: usize,
    /// Its line; the first is 1.
    pub line: usize,
    /// Its character in the line; the first is 1.
    pub column: usize,
}

/// A problem, and the bytes before its place.
pub(in crate::ssml) type At<T> = Result<T, (usize, SsmlProblem)>;

/// Characters of the document that an error repeats at most.
const SHOWN: usize = 40;

/// Shortens what comes from the document, so that no error is as long as it.
pub(in crate::ssml) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Makes the error for what is not well-formed.
pub(in crate::ssml) fn malformed(offset: usize, reason: &str) -> (usize, SsmlProblem) {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let reason = reason.chars().take(120).map(plain).collect();
    (offset, SsmlProblem::Malformed { reason })
}

impl SsmlError {
    pub(in crate::ssml) fn new(document: &str, offset: usize, problem: SsmlProblem) -> Self {
        Self {
            position: SourcePosition::of(document, offset),
            problem,
        }
    }

    /// Returns where the problem is.
    #[must_use]
    pub const fn position(&self) -> SourcePosition {
        self.position
    }

    /// Returns what the problem is.
    #[must_use]
    pub const fn problem(&self) -> &SsmlProblem {
        &self.problem
    }
}

impl SourcePosition {
    fn of(document: &str, offset: usize) -> Self {
        let offset = document.floor_char_boundary(offset);
        let before = document.get(..offset).unwrap_or_default();
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            offset,
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
        }
    }
}

impl fmt::Display for SsmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SourcePosition { line, column, .. } = self.position;
        write!(f, "line {line}, column {column}: {}", self.problem)
    }
}

impl std::error::Error for SsmlError {}
