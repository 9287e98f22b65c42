//! Lists of banned words: found in one pass however long the list is, and read again when their file
//! changes.
//!
//! The search is that of Aho and Corasick: its time depends on the text and on the number of matches,
//! not on the number of words.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use palisade_core::SystemClock;
use palisade_internal::watched_file::{FileFormat, Options, Report, WatchedFile};

use super::{Finder, Match, TextRule};
use crate::error::SanitizeBuildError;
use crate::text::compared::Compared;
use crate::text::folded::fold;

/// The most bytes of a file.
const LARGEST: u64 = 4 << 20;

/// The most words of a list.
const MOST_WORDS: usize = 100_000;

/// The most characters of a word. With it, one place of a text has a bounded number of matches.
const LONGEST_WORD: usize = 64;

/// How long a list that cannot be read stays in force: for ever, since no list bans nothing. So no decision depends on
/// a time, and the list has no `clock`.
const NEVER_STALE: Duration = Duration::MAX;

/// A list of banned words and phrases, from a program or from a file.
///
/// Words are plain text: a dot is a dot. Upper and lower case, full-width and plain letters and
/// digits are equal, and one space stands for a run of white space. A word that begins or ends with an
/// ASCII letter or digit must begin or end a word of the text: `ass` is not in `class`. Chinese words are
/// found anywhere.
///
/// Cloning it clones an `Arc`.
///
/// ```
/// use palisade_sanitize::{BannedWords, Sanitizer};
///
/// let words = BannedWords::from_words(["casino", "赌博"])?;
/// let sanitizer = Sanitizer::builder().rule(words.rule("banned").mask('*')).build()?;
/// assert_eq!(sanitizer.clean("网上赌博 at ＣＡＳＩＮＯ, not casinos")?.text(), "网上** at ******, not casinos");
///
/// let hidden = Sanitizer::builder().rule(words.across_separators().rule("banned")).build()?;
/// assert!(hidden.clean("赌-博").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BannedWords {
    /// Where the words are.
    source: Source,
    /// Whether separators between the letters of a word are skipped.
    skips_separators: bool,
}

/// A list that stays, or one that is read again when its file changes.
#[derive(Clone)]
enum Source {
    File(Arc<WatchedFile<WordFile>>),
    Fixed(Arc<WordList>),
}

impl BannedWords {
    /// Makes a list of words. Empty ones are ignored.
    ///
    /// # Errors
    ///
    /// [`SanitizeBuildError::BannedWords`] if a word has more than 64 characters, holds no letter,
    /// digit or sign, or if there are more than 100,000 words.
    pub fn from_words<W: AsRef<str>>(
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self, SanitizeBuildError> {
        let mut list = Vec::new();
        for (index, word) in words.into_iter().enumerate() {
            push_word(&mut list, index + 1, word.as_ref())?;
        }
        Ok(Self::of(Source::Fixed(Arc::new(WordList::new(list)?))))
    }

    /// Reads a file with one word or phrase a line, and starts a thread that reads it again within a
    /// second after a change.
    ///
    /// Empty lines and lines that begin with `#` are ignored. While the file cannot be read, or is
    /// wrong, the list before it stays in force; [`refresh`](Self::refresh) tells why.
    ///
    /// # Errors
    ///
    /// [`SanitizeBuildError::BannedWords`] if the file cannot be read, others may write it, it is over
    /// 4 MiB, or a line is wrong; see [`from_words`](Self::from_words).
    ///
    /// ```
    /// use palisade_sanitize::BannedWords;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("banned.txt");
    /// assert!(BannedWords::open(&file).is_err()); // there is no such file
    ///
    /// std::fs::write(&file, "casino\n赌博\n")?;
    /// let words = BannedWords::open_unwatched(&file)?;
    /// assert_eq!(words.len(), 2);
    ///
    /// std::fs::write(&file, "casino\n")?;
    /// words.refresh()?;
    /// assert_eq!(words.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SanitizeBuildError> {
        let list = Self::open_unwatched(path)?;
        if let Source::File(file) = &list.source {
            file.watch("palisade-words")?;
        }
        Ok(list)
    }

    /// Reads a file as [`open`](Self::open), and reads it again only in [`refresh`](Self::refresh).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_unwatched(path: impl Into<PathBuf>) -> Result<Self, SanitizeBuildError> {
        let clock = SystemClock::shared();
        let mut options = Options::new(LARGEST, move || clock.monotonic());
        options.max_stale_age = NEVER_STALE;
        let file = WatchedFile::open(WordFile, path.into(), options)?;
        Ok(Self::of(Source::File(Arc::new(file))))
    }

    /// Reads the file again if it has changed. A list of [`from_words`](Self::from_words) does not change.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open). The list that was in force stays in force.
    pub fn refresh(&self) -> Result<(), SanitizeBuildError> {
        match &self.source {
            Source::File(file) => file.refresh().map(drop),
            Source::Fixed(_) => Ok(()),
        }
    }

    /// Also finds a word whose characters are separated by spaces, dots, dashes and other signs.
    /// Default: off.
    ///
    /// `赌-博` and `c.a.s.i.n.o` are then found. So is a word across the border of two others, if it is
    /// in Chinese.
    #[must_use]
    pub fn across_separators(&self) -> Self {
        Self {
            source: self.source.clone(),
            skips_separators: true,
        }
    }

    /// Returns how many words are in force.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list().words
    }

    /// Tells whether nothing is banned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a rule of the list. It refuses what it finds; see [`TextRule`] for other effects.
    pub fn rule(&self, name: impl Into<Arc<str>>) -> TextRule {
        TextRule::named_finder(name, Arc::new(self.clone()))
    }

    /// Makes a list that does not skip separators.
    fn of(source: Source) -> Self {
        Self {
            source,
            skips_separators: false,
        }
    }

    /// Returns the words as they are now. A request uses one list to its end.
    fn list(&self) -> Arc<WordList> {
        match &self.source {
            Source::File(file) => file.value().load_full(),
            Source::Fixed(list) => Arc::clone(list),
        }
    }
}

/// The words stay out of logs: only their number is shown.
impl fmt::Debug for BannedWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BannedWords")
            .field("words", &self.len())
            .field("skips_separators", &self.skips_separators)
            .finish_non_exhaustive()
    }
}

impl Finder for BannedWords {
    fn find(&self, text: &str) -> Vec<Match> {
        let list = self.list();
        let view = Compared::new(text, self.skips_separators);
        let search = match self.skips_separators {
            true => &list.without_separators,
            false => &list.plain,
        };
        let Some(search) = search else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for hit in search.find_overlapping_iter(view.as_str()) {
            let place = view.in_source(hit.start()..hit.end());
            if is_whole(text, &place) {
                found.push(place);
            }
        }
        // The first, and of those that begin together the longest.
        found.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
        let mut end = 0;
        found.retain(|place| {
            let is_free = place.start >= end;
            if is_free {
                end = place.end;
            }
            is_free
        });
        found.into_iter().map(Match::plain).collect()
    }
}

/// Tells whether a match that begins or ends with an ASCII letter or digit is not part of a longer
/// word.
fn is_whole(text: &str, place: &std::ops::Range<usize>) -> bool {
    let plain = |c: char| fold(c).unwrap_or(c);
    let part = |c: Option<char>| c.is_some_and(|c| plain(c).is_ascii_alphanumeric());
    let found = text.get(place.clone()).unwrap_or_default();
    let before = text
        .get(..place.start)
        .and_then(|text| text.chars().next_back());
    let after = text.get(place.end..).and_then(|text| text.chars().next());
    let goes_on_before = part(found.chars().next()) && part(before);
    let goes_on_behind = part(found.chars().next_back()) && part(after);
    !goes_on_before && !goes_on_behind
}

/// Words, ready for the search.
struct WordList {
    /// How many words there are, for messages.
    words: usize,
    /// `None` if there are no words.
    plain: Option<AhoCorasick>,
    /// The same words for texts without separators. `None` if there are no words.
    without_separators: Option<AhoCorasick>,
}

impl WordList {
    /// Prepares the search for all words at once: its time does not grow with their number.
    ///
    /// # Errors
    ///
    /// The words need more memory than the search may take.
    fn new(words: Vec<String>) -> Result<Self, SanitizeBuildError> {
        let build = |words: Vec<String>| {
            let search = AhoCorasick::new(&words);
            let search = search.map_err(|problem| SanitizeBuildError::BannedWords {
                place: Arc::from("the list"),
                why: Arc::from(problem.to_string()),
            })?;
            Ok((!words.is_empty()).then_some(search))
        };
        let compact = words
            .iter()
            .map(|word| Compared::new(word, true).as_str().to_owned());
        let compact: Vec<String> = compact.filter(|word| !word.is_empty()).collect();
        Ok(Self {
            words: words.len(),
            without_separators: build(compact)?,
            plain: build(words)?,
        })
    }
}

/// Adds a word in the form in which it is compared.
///
/// # Errors
///
/// [`SanitizeBuildError::BannedWords`] with the line of a word that is too long or has nothing to
/// compare.
fn push_word(list: &mut Vec<String>, line: usize, word: &str) -> Result<(), SanitizeBuildError> {
    let wrong = |why: &str| SanitizeBuildError::BannedWords {
        place: Arc::from(format!("line {line}")),
        why: Arc::from(why),
    };
    let word = word.trim();
    if word.is_empty() {
        return Ok(());
    }
    if word.chars().count() > LONGEST_WORD {
        return Err(wrong("a word has at most 64 characters"));
    }
    let compared = Compared::new(word, false).as_str().to_owned();
    if compared.trim().is_empty() {
        return Err(wrong("a word needs a visible character"));
    }
    if list.len() == MOST_WORDS {
        return Err(wrong("a list has at most 100,000 words"));
    }
    list.push(compared);
    Ok(())
}

/// The format of a file of words.
struct WordFile;

impl FileFormat for WordFile {
    type Value = WordList;
    type Error = SanitizeBuildError;

    fn read(&self, _: &Path, text: &str) -> Result<WordList, SanitizeBuildError> {
        let mut list = Vec::new();
        let text = text.trim_start_matches('\u{feff}');
        for (index, line) in text.lines().enumerate() {
            if !line.starts_with('#') {
                push_word(&mut list, index + 1, line)?;
            }
        }
        WordList::new(list)
    }

    fn io_error(
        &self,
        path: &Path,
        attempt: &'static str,
        problem: io::Error,
    ) -> SanitizeBuildError {
        SanitizeBuildError::BannedWords {
            place: Arc::from(path.display().to_string()),
            why: Arc::from(format!("cannot {attempt} the file: {problem}")),
        }
    }

    /// Nothing is logged here: this crate writes no log. [`BannedWords::refresh`] tells what is wrong.
    fn report(&self, _: &Path, _: Report<'_, WordList, SanitizeBuildError>) {}
}
