//! Rules for text that repeats itself, and for words that look random.
//!
//! Repeated text costs a model and a voice as much as other text and says nothing. Long random words are
//! keys, encoded data, or attempts to move a model off its course.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::{Finder, Match, TextRule};

/// The number of characters in which repetition is measured. A shorter text is not measured.
const WINDOW: usize = 128;

/// The fewest characters of a word whose entropy is measured.
const SHORTEST_WORD: usize = 24;

impl TextRule {
    /// Finds characters that are repeated more than `most` times in a row: the part beyond.
    ///
    /// The default effect is to refuse. With [`drop`](Self::drop) a run is shortened to `most`
    /// characters. White space is not counted; see [`Whitespace`](crate::Whitespace) for it.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::repeated_character("long run", 3).drop();
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("哈哈哈哈哈哈!!!!!")?.text(), "哈哈哈!!!");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn repeated_character(name: impl Into<Arc<str>>, most: usize) -> Self {
        Self::named_finder(name, Arc::new(RepeatedCharacter { most }))
    }

    /// Finds stretches of 128 characters that mostly repeat themselves: `buy now buy now buy now`.
    ///
    /// `share` is the share of different sequences of three characters among all of the stretch, from 0
    /// to 1. Plain text has 0.7 or more; a phrase of ten characters that is repeated has 0.08. A share of
    /// 0.3 is a good limit. Shorter texts are not measured.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::repetitive("repetition", 0.3)).build()?;
    /// assert!(matches!(sanitizer.clean(&"买买买 now ".repeat(40)), Err(Refused::Rule(_))));
    /// assert!(sanitizer.clean("今天天气很好，我们去公园玩吧。").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn repetitive(name: impl Into<Arc<str>>, share: f32) -> Self {
        Self::named_finder(name, Arc::new(Repetitive { share }))
    }

    /// Finds words of 24 characters or more whose entropy is above `bits` for each character.
    ///
    /// Words end at white space. Plain words have less than 3.5 bits, addresses of pages about 4,
    /// hexadecimal digits up to 4, Base64 from 4.5. A limit of 4.5 is a good choice.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::high_entropy("random", 4.3).replace("[data]");
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// let text = "see Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFCQ0RFRg== below";
    /// assert_eq!(sanitizer.clean(text)?.text(), "see [data] below");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn high_entropy(name: impl Into<Arc<str>>, bits: f32) -> Self {
        Self::named_finder(name, Arc::new(HighEntropy { bits }))
    }
}

/// Finds one character many times in a row.
#[derive(Debug)]
struct RepeatedCharacter {
    /// How many times are fine.
    most: usize,
}

impl Finder for RepeatedCharacter {
    fn find(&self, text: &str) -> Vec<Match> {
        let mut found = Vec::new();
        let (mut last, mut count) = (None, 0usize);
        let mut beyond: Option<Range<usize>> = None;
        for (at, c) in text.char_indices() {
            count = match last {
                Some(same) if same == c && !c.is_whitespace() => count.saturating_add(1),
                _ => {
                    found.extend(beyond.take());
                    1
                }
            };
            last = Some(c);
            if count > self.most {
                let end = at + c.len_utf8();
                beyond.get_or_insert(at..end).end = end;
            }
        }
        found.extend(beyond);
        found.into_iter().map(Match::plain).collect()
    }
}

/// Finds parts of a text that repeat a few triples of characters.
#[derive(Debug)]
struct Repetitive {
    /// The least share of different triples, from 0 to 1.
    share: f32,
}

impl Finder for Repetitive {
    fn find(&self, text: &str) -> Vec<Match> {
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let mut found: Vec<Range<usize>> = Vec::new();
        for window in chars.chunks(WINDOW).filter(|window| window.len() == WINDOW) {
            let triples = window.windows(3).filter_map(|three| match three {
                [(_, a), (_, b), (_, c)] => Some((*a, *b, *c)),
                _ => None,
            });
            let different = triples.collect::<HashSet<_>>().len();
            if (different as f32) < self.share * (WINDOW - 2) as f32
                && let (Some((start, _)), Some((last, c))) = (window.first(), window.last())
            {
                let place = *start..last + c.len_utf8();
                match found.last_mut() {
                    Some(before) if before.end == place.start => before.end = place.end,
                    _ => found.push(place),
                }
            }
        }
        found.into_iter().map(Match::plain).collect()
    }
}

/// Finds words that look random, such as encoded data.
#[derive(Debug)]
struct HighEntropy {
    /// The most bits a character.
    bits: f32,
}

impl Finder for HighEntropy {
    fn find(&self, text: &str) -> Vec<Match> {
        let words = text
            .split_whitespace()
            .filter(|word| entropy(word) > self.bits);
        let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
        let places = words.map(|word| start(word)..start(word) + word.len());
        places.map(Match::plain).collect()
    }
}

/// Returns the entropy of a word in bits for each byte (Shannon), or 0 if it is short or not in ASCII.
fn entropy(word: &str) -> f32 {
    if word.len() < SHORTEST_WORD || !word.is_ascii() {
        return 0.0;
    }
    let mut counts = [0u32; 128];
    for byte in word.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = word.len() as f32;
    let shares = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f32 / all);
    shares.map(|share| -share * share.log2()).sum()
}
