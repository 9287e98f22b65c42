//! `dict/*.txt`: the symbols a package's model was trained with, one a line in the order of their ids.

use std::{collections::BTreeMap, path::Path};

use checkpoint::Tensors;

use super::{LoadError, Text, package::read_optional};
use crate::units::{Tables, built_in};

/// The tables, and the embeddings whose rows they name.
const TABLES: [(&str, &str); 6] = [
    ("sy", "text_encoder.sy_emb.weight"),
    ("tone", "text_encoder.tone_emb.weight"),
    ("syllable_flag", "text_encoder.syllable_flag_emb.weight"),
    ("word_segment", "text_encoder.ws_emb.weight"),
    ("emo_category", "emo_tokenizer.weight"),
    ("speaker", "spk_tokenizer.weight"),
];

/// The files, by the names of their tables. A table without one is that of the reference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionaries(BTreeMap<String, Text>);

impl Dictionaries {
    /// Reads the files that a folder holds.
    ///
    /// # Errors
    ///
    /// When one is damaged.
    pub(crate) fn read(folder: &Path) -> Result<Self, LoadError> {
        let mut files = BTreeMap::new();
        for (name, _) in TABLES {
            if let Some(text) = read_optional(&folder.join(format!("{name}_dict.txt")))? {
                files.insert(name.to_owned(), text);
            }
        }
        Self::new(files)
    }

    /// Takes the contents of the files.
    ///
    /// # Errors
    ///
    /// When one has a line without a symbol, or a symbol twice: then ids would not be what the file says.
    pub(crate) fn new(files: BTreeMap<String, Text>) -> Result<Self, LoadError> {
        for Text { file, content } in files.values() {
            let mut seen = BTreeMap::new();
            for (symbol, line) in content.lines().map(str::trim).zip(1..) {
                let problem = match seen.insert(symbol, line) {
                    Some(before) => format!("line {line} repeats line {before}"),
                    None if symbol.is_empty() => format!("line {line} is empty"),
                    None => continue,
                };
                return Err(LoadError::new(&**file, problem));
            }
        }
        Ok(Self(files))
    }

    /// Returns the contents of the files by the names of their tables.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text))
    }

    pub(crate) fn content(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| text.content.clone())
    }

    /// Tells how files differ from the tables of the reference.
    pub(crate) fn differences(&self) -> impl Iterator<Item = String> {
        self.files()
            .filter_map(|(name, text)| difference(text, built_in(name)?))
    }

    /// Compares the number of symbols with the rows of the embeddings.
    ///
    /// # Errors
    ///
    /// One that names each file and the embedding it does not fit.
    pub(crate) fn check(
        &self,
        tables: &Tables,
        tensors: &Tensors,
        checkpoint: &str,
    ) -> Result<(), LoadError> {
        let sized = TABLES.iter().zip(tables.sizes());
        let problems: Vec<_> = sized
            .filter_map(|((name, tensor), symbols)| {
                let rows = *tensors.shape(tensor)?.first()?;
                let fits = rows == symbols + 2 || rows == symbols + 3;
                (!fits).then(|| {
                    let of = match self.0.get(*name) {
                        Some(text) => text.file.clone(),
                        None if *name == "speaker" => "the configuration's speaker_list".to_owned(),
                        None => format!("the built-in table {name}"),
                    };
                    format!("{tensor} has {rows} rows, but {of} has {symbols} symbols and needs 2 or 3 rows more")
                })
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(LoadError::many(checkpoint, problems))
        }
    }
}

/// Tells the first difference and the number of all.
fn difference(text: &Text, expected: &str) -> Option<String> {
    let plain = |symbol: &str| symbol.trim().trim_start_matches('@').to_owned();
    let ours: Vec<_> = text.content.lines().map(plain).collect();
    let theirs: Vec<_> = expected.split_whitespace().map(plain).collect();
    let at = |symbols: &[String], line: usize| {
        symbols
            .get(line)
            .map_or("nothing".to_owned(), |s| format!("{s:?}"))
    };
    let lines = 0..ours.len().max(theirs.len());
    let mut differing = lines.filter(|line| ours.get(*line) != theirs.get(*line));
    let first = differing.next()?;
    let more = match differing.count() {
        0 => String::new(),
        more => format!(", and {more} more lines differ"),
    };
    let (found, usual) = (at(&ours, first), at(&theirs, first));
    let line = first + 1;
    Some(format!(
        "{}: line {line} is {found}, and usually {usual}{more}; the file is used",
        text.file
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &str) -> Text {
        Text {
            file: "tone_dict.txt".to_owned(),
            content: content.to_owned(),
        }
    }

    #[test]
    fn a_differing_file_is_named_with_its_first_line() {
        assert_eq!(difference(&text("a\n@b\n"), "a b"), None);
        let message = difference(&text("a\nx\nc\n"), "a b").unwrap();
        assert_eq!(
            message,
            "tone_dict.txt: line 2 is \"x\", and usually \"b\", and 1 more lines differ; the file is used"
        );
    }

    #[test]
    fn an_empty_line_and_a_repeated_symbol_are_errors() {
        for (content, problem) in [
            ("a\n\nb\n", "line 2 is empty"),
            ("a\nb\na\n", "line 3 repeats line 1"),
        ] {
            let files = BTreeMap::from([("tone".to_owned(), text(content))]);
            let error = Dictionaries::new(files).unwrap_err();
            assert_eq!(error.problems(), [problem]);
        }
    }
}
