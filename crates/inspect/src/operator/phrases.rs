//! Lists of phrases: `@pm` and `@pmFromFile`.
//!
//! All phrases are searched for in one pass of the value (Aho-Corasick), so a list of thousands
//! costs about as much as one of ten. CRS has its lists in files such as `lfi-os-files.data`.

use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Phrases that are searched for at once, in any case.
#[derive(Clone, Debug)]
pub(crate) struct Phrases {
    /// It finds a phrase anywhere, also inside a word.
    automaton: AhoCorasick,
    /// Sorted, each once. The filter of all rules needs them.
    phrases: Vec<Vec<u8>>,
}

impl Phrases {
    /// Takes phrases that are separated by blanks.
    ///
    /// A phrase may have bytes in the form `|41 42|`, without blanks.
    ///
    /// # Errors
    ///
    /// The reason as text: there are none.
    pub(crate) fn of_list(list: &str) -> Result<Self, String> {
        Self::new(list.split_ascii_whitespace().map(decode_snort).collect())
    }

    /// Reads files of one phrase a line. A line that starts with `#` is a comment.
    ///
    /// Several names may stand side by side; their phrases are one list. Blanks inside a line
    /// belong to the phrase, those at its ends do not. Files are looked for in `folder`.
    ///
    /// # Errors
    ///
    /// The reason as text: a file cannot be read or has no phrases.
    pub(crate) fn of_files(names: &str, folder: &Path) -> Result<Self, String> {
        let mut phrases = Vec::new();
        for name in names.split_ascii_whitespace() {
            let path = folder.join(name);
            let bytes = std::fs::read(&path)
                .map_err(|error| format!("the data file {name} cannot be read: {error}"))?;
            let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let kept = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
            phrases.extend(kept.map(<[u8]>::to_vec));
        }
        Self::new(phrases)
    }

    /// Builds the automaton.
    ///
    /// # Errors
    ///
    /// There is no phrase, or the search for them cannot be made.
    fn new(mut phrases: Vec<Vec<u8>>) -> Result<Self, String> {
        if phrases.is_empty() {
            return Err("the list of phrases is empty".to_owned());
        }
        phrases
            .iter_mut()
            .for_each(|phrase| phrase.make_ascii_lowercase());
        phrases.sort();
        phrases.dedup();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&phrases)
            .map_err(|error| error.to_string())?;
        Ok(Self { automaton, phrases })
    }

    /// Finds the first phrase in a value: where it starts and ends.
    ///
    /// It is the one that ends first. `None`: there is none.
    pub(crate) fn find(&self, value: &[u8]) -> Option<(usize, usize)> {
        self.automaton
            .find(value)
            .map(|found| (found.start(), found.end()))
    }

    /// The phrases, in lower case.
    pub(crate) fn phrases(&self) -> &[Vec<u8>] {
        &self.phrases
    }
}

/// Decodes `|41 42|` in a phrase; blanks cannot stand in it here, as they separate phrases.
///
/// The form is that of Snort's `content`. A phrase with an odd number of bars stays as written.
fn decode_snort(phrase: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in phrase.split('|').enumerate() {
        let bytes: Option<Vec<u8>> = (index % 2 == 1 && part.len() % 2 == 0)
            .then(|| part.as_bytes().chunks(2))
            .and_then(|pairs| {
                let pair = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                pairs.map(pair).collect()
            });
        out.extend(bytes.unwrap_or_else(|| part.as_bytes().to_vec()));
    }
    if phrase.matches('|').count() % 2 == 1 {
        return phrase.as_bytes().to_vec();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_in_any_case() {
        let phrases = Phrases::of_list("union select |3c|x a|b").expect("phrases");
        assert_eq!(phrases.find(b"1 UNION all"), Some((2, 7)));
        assert!(phrases.find(b"<x").is_some() && phrases.find(b"a|b").is_some());
        assert_eq!(phrases.find(b"nothing"), None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Phrases::of_files("none.data", Path::new("/nonexistent")).expect_err("missing");
        assert!(
            error.starts_with("the data file none.data cannot be read"),
            "{error}"
        );
    }
}
