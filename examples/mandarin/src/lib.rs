//! A front end for Mandarin speech: from text to words with tones and breaks. It knows no model and no sound.
//!
//! A text passes these steps: one form for the many ways to write the same ([`clean`]), numbers and signs in words, clauses at
//! punctuation, words by the dictionary of jieba, readings by tables and rules, tones as they are spoken, breaks. What comes out
//! is [`Stretch`]es of [`Word`]s, each short enough for one breath. English words become English syllables, or the nearest
//! Mandarin ones ([`Latin`]).
//!
//! Twice the text is twice the work, whatever the text is.
//!
//! # Examples
//!
//! ```
//! use mandarin::{Latin, Script, analyze, pinyin};
//!
//! let stretches = analyze(&Script::plain("银行行长长得很高。"), Latin::Mandarin)?;
//! assert_eq!(pinyin(&stretches[0].words, " "), "yin2 hang2 hang2 zhang2 zhang3 de5 hen3 gao1.");
//! # Ok::<(), mandarin::Unspeakable>(())
//! ```
//!
//! A reading given for one character:
//!
//! ```
//! use mandarin::{Latin, Reading, Script, Syllable, analyze, pinyin};
//!
//! let mut script = Script::default();
//! script.push("长");
//! script.mark(Reading::Character(Syllable::parse("chang2")))?;
//! let stretches = analyze(&script, Latin::Mandarin)?;
//! assert_eq!(pinyin(&stretches[0].words, " "), "chang2.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Corrections
//!
//! Readings are data: a row of a table in `data` corrects one. `data/README.md` says which table holds what.

// From what a user touches down to what everything rests on: a module imports only from those below it.
mod analyze;
mod segment;
mod marked;
mod script;
mod reading;
mod polyphones;
mod sandhi;
mod breaks;
mod break_words;
mod piece;
mod clause;
mod numbers;
mod clean;
mod english;
mod dictionary;
mod lexicon;
mod token;
mod symbol;
mod word;
mod syllable;
mod phones;
mod run;
mod table;

pub use self::{
    analyze::{analyze, prepare},
    breaks::Stretch,
    clause::{begins_with_end, ends_sentence},
    clean::clean,
    english::Latin,
    numbers::SayAs,
    phones::PHONES,
    run::is_han,
    script::{Reading, Script, TooManyReadings},
    syllable::Syllable,
    word::{Break, Unspeakable, Word, pinyin},
};
