//! All steps in their order.

use crate::{
    breaks::{self, Stretch},
    clause::{self, Clause},
    clean::clean,
    dictionary,
    english::Latin,
    lexicon, numbers, piece, reading, sandhi,
    script::Script,
    segment,
    word::{Break, Unspeakable, Word},
};

/// Builds the dictionary, the tables and the rules now, so that the first text does not wait for them.
pub fn prepare() {
    dictionary::is_word("准备");
    lexicon::look_up("准备");
    numbers::spell_out(&clean("第1个"));
}

/// Turns text into stretches of words, each short enough to be spoken in one piece.
///
/// ```
/// use mandarin::{Latin, Script, analyze, pinyin};
///
/// let stretches = analyze(&Script::plain("今天22°C，你好！"), Latin::Mandarin)?;
/// let shown: Vec<String> = stretches.iter().map(|stretch| pinyin(&stretch.words, " ")).collect();
/// assert_eq!(shown, ["jin1 tian1 er4 shi2 er4 she4 shi4 du4, ni2 hao3."]);
/// # Ok::<(), mandarin::Unspeakable>(())
/// ```
///
/// # Errors
///
/// The first character that is of a script the front end cannot read.
pub fn analyze(script: &Script, latin: Latin) -> Result<Vec<Stretch>, Unspeakable> {
    let mut spoken: Vec<Vec<Word>> = Vec::new();
    let symbols = script.symbols();
    for piece in piece::split(&symbols) {
        let mut clauses = clause::split(numbers::in_words(piece.symbols));
        if let Some(last) = clauses.last_mut().filter(|_| !piece.ends_sentence) {
            last.after = Break::Clause;
        }
        for clause in clauses {
            match words_of(&clause, latin)? {
                Some(words) => spoken.push(words),
                None => end(spoken.last_mut(), clause.after),
            }
        }
    }
    Ok(breaks::stretches(spoken))
}

/// Ends a clause as one behind it does that has no sound: `你好，<。`.
fn end(clause: Option<&mut Vec<Word>>, after: Break) {
    if let Some(last) = clause.and_then(|words| words.last_mut()) {
        last.after = last.after.max(after);
    }
}

/// Reads one clause.
fn words_of(clause: &Clause<'_>, latin: Latin) -> Result<Option<Vec<Word>>, Unspeakable> {
    let mut words = segment::words_of(&clause.symbols, latin)?;
    sandhi::apply(&mut words);
    words.iter_mut().for_each(reading::color);
    let mut words = breaks::join(words);
    let Some(last) = words.last_mut() else {
        return Ok(None);
    };
    last.after = clause.after;
    breaks::divide(&mut words);
    Ok(Some(words.into_iter().map(Into::into).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The most syllables of a stretch that [`breaks`] lets through.
    const MOST: usize = 20;

    #[track_caller]
    fn longest_stretch(text: &str, latin: Latin) -> usize {
        let stretches = analyze(&Script::plain(text), latin).unwrap_or_default();
        let syllables = |stretch: &Stretch| {
            let words = stretch.words.iter();
            words.map(|word| word.syllables.len()).sum::<usize>()
        };
        stretches.iter().map(syllables).max().unwrap_or_default()
    }

    #[test]
    fn a_repeated_suffix_does_not_make_one_endless_word() {
        for text in [
            "儿",
            "兒",
            "花儿儿",
            "子儿",
            "1儿",
            "a儿",
            "们",
            "的",
            "呢",
            "上",
        ] {
            for latin in [Latin::Mandarin, Latin::English] {
                let longest = longest_stretch(&text.repeat(500), latin);
                assert!((1..=MOST).contains(&longest), "{text}: {longest}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_stretch_is_longer_than_the_voice_can_speak(
            pieces in prop::collection::vec(("[儿兒子们的了着过地得于里上一二不花点ab1㎨%\\-. ，\u{4e00}-\u{9fff}\u{3400}-\u{4dbf}\u{f900}-\u{faff}]{1,3}", 1_usize..120), 1..6),
        ) {
            let text: String = pieces.iter().map(|(piece, times)| piece.repeat(*times)).collect();
            prop_assert!(longest_stretch(&text, Latin::Mandarin) <= MOST, "{text}");
            prop_assert!(longest_stretch(&text, Latin::English) <= MOST, "{text}");
        }
    }
}
