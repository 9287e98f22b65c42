//! From symbols to the ids of the embedding tables.

use std::collections::HashMap;

use mandarin::PHONES;

use super::{Unit, symbols};

/// The six tables of a voice.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    phone: Table,
    tone: Table,
    flag: Table,
    segment: Table,
    emotion: Table,
    speaker: Table,
    speakers: Vec<String>,
}

/// Returns the reference's symbols of a table; speakers are every model's own.
pub(crate) fn built_in(table: &str) -> Option<&'static str> {
    match table {
        "sy" => Some(PHONES),
        "tone" => Some(symbols::TONES),
        "syllable_flag" => Some(symbols::FLAGS),
        "word_segment" => Some(symbols::SEGMENTS),
        "emo_category" => Some(symbols::EMOTIONS),
        _ => None,
    }
}

/// The symbols of one table; a symbol's id is its place.
#[derive(Clone, Debug)]
struct Table(HashMap<String, u32>);

impl Table {
    fn new<'a>(symbols: impl Iterator<Item = &'a str>) -> Self {
        // Phones carry an `@` in the tables and none in unit strings.
        let plain = symbols
            .map(|symbol| symbol.trim().trim_start_matches('@'))
            .filter(|symbol| !symbol.is_empty());
        Self(
            plain
                .zip(0..)
                .map(|(symbol, id)| (symbol.to_owned(), id))
                .collect(),
        )
    }

    fn column(&self, units: &[Unit], symbol: fn(&Unit) -> &str) -> Result<Vec<u32>, String> {
        let id = |unit| {
            self.0
                .get(symbol(unit))
                .copied()
                .ok_or_else(|| symbol(unit).to_owned())
        };
        units.iter().map(id).collect()
    }
}

/// The model's input for one sentence.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) text: TextIds,
    pub(crate) emotion: Vec<u32>,
    pub(crate) speaker: Vec<u32>,
}

/// What is said: units with four features each, or the bytes of the text.
#[derive(Clone, Debug)]
pub(crate) enum TextIds {
    Bytes(Vec<u32>),
    Units([Vec<u32>; 4]),
}

impl Tables {
    /// Makes the tables of a voice with these speakers; `dictionary` returns a symbol file the package brings.
    pub(crate) fn new(speakers: &str, dictionary: impl Fn(&str) -> Option<String>) -> Self {
        let table = |name: &str| match dictionary(name) {
            Some(lines) => Table::new(lines.lines()),
            None => Table::new(built_in(name).unwrap_or_default().split_whitespace()),
        };
        let listed = dictionary("speaker").unwrap_or_else(|| speakers.replace(',', "\n"));
        let speakers = listed
            .lines()
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Self {
            phone: table("sy"),
            tone: table("tone"),
            flag: table("syllable_flag"),
            segment: table("word_segment"),
            emotion: table("emo_category"),
            speaker: Table::new(listed.lines()),
            speakers: speakers.map(str::to_owned).collect(),
        }
    }

    /// Returns the speakers in the order of their ids.
    pub(crate) fn speakers(&self) -> &[String] {
        &self.speakers
    }

    /// Tells whether the model knows an emotion.
    pub(crate) fn has_emotion(&self, symbol: &str) -> bool {
        self.emotion.0.contains_key(symbol)
    }

    /// Returns how many symbols each table has: phone, tone, flag, segment, emotion, speaker.
    pub(crate) fn sizes(&self) -> [usize; 6] {
        [
            &self.phone,
            &self.tone,
            &self.flag,
            &self.segment,
            &self.emotion,
            &self.speaker,
        ]
        .map(|table| table.0.len())
    }

    /// Tells whether the phones of English are among the symbols.
    pub(crate) fn has_english(&self) -> bool {
        PHONES
            .split_whitespace()
            .skip_while(|phone| *phone != "aa")
            .take_while(|phone| !phone.ends_with("_c"))
            .all(|phone| self.phone.0.contains_key(phone))
    }

    /// Looks every unit up.
    ///
    /// # Errors
    ///
    /// The first symbol that has no id.
    pub(crate) fn encode(&self, units: &[Unit]) -> Result<Ids, String> {
        Ok(Ids {
            text: self.encode_text(units)?,
            emotion: self.emotion.column(units, |unit| &unit.emotion)?,
            speaker: self.speaker.column(units, |unit| &unit.speaker)?,
        })
    }

    /// Looks up what is said, without emotion and speaker.
    ///
    /// # Errors
    ///
    /// The first symbol that has no id.
    pub(crate) fn encode_text(&self, units: &[Unit]) -> Result<TextIds, String> {
        Ok(TextIds::Units([
            self.phone.column(units, |unit| &unit.phone)?,
            self.tone.column(units, |unit| &unit.tone)?,
            self.flag.column(units, |unit| &unit.flag)?,
            self.segment.column(units, |unit| &unit.segment)?,
        ]))
    }
}
