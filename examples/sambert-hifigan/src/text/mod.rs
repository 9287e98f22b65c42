//! The front end: from text to words with tones and breaks.

mod breaks;
mod clause;
mod clean;
mod english;
mod letters;
mod lexicon;
mod numbers;
mod polyphones;
mod reading;
mod sandhi;
mod script;
mod segment;
mod syllable;
mod word;

#[cfg(test)]
pub(crate) use self::word::{Phone, push_word};
pub(crate) use self::{
    breaks::Stretch,
    clause::ends_sentence,
    clean::clean,
    english::Latin,
    numbers::SayAs,
    script::{READINGS, Reading, Script, TooManyReadings},
    segment::is_han,
    syllable::Syllable,
    word::{Break, Word, units_of},
};

/// A character no voice of this family can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unspeakable(pub(crate) char);

/// Reads the dictionary now, so that the first text does not wait for it.
pub(crate) fn prepare() {
    segment::is_word("准备");
}

/// Turns text into stretches of words, each short enough to be spoken in one piece.
///
/// # Errors
///
/// The first character that is of a script the front end cannot read.
pub(crate) fn analyze(script: &Script, latin: Latin) -> Result<Vec<Stretch>, Unspeakable> {
    let text = numbers::spell_out(script.text());
    let mut spoken = Vec::new();
    for clause in clause::split(&text) {
        let mut words = segment::words_of(&clause.text, script, latin)?;
        sandhi::apply(&mut words);
        words.iter_mut().for_each(reading::color);
        let mut words = breaks::join(words);
        let Some(last) = words.last_mut() else {
            continue;
        };
        last.after = clause.after;
        breaks::divide(&mut words);
        spoken.push(words.into_iter().map(Into::into).collect());
    }
    Ok(breaks::stretches(spoken))
}
