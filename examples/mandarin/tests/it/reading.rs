//! Sentences and how they are read: polyphones, numbers, running tones.

use mandarin::{Latin, Script, Stretch, Word, analyze, pinyin};

/// Each line is a sentence and its surface pinyin, checked by hand; breaks inside a clause are not compared.
const TABLE: &str = include_str!("reading.tsv");

/// Reads a sentence as a voice without colored syllables and without English says it.
fn read(sentence: &str) -> String {
    let stretches = analyze(&Script::plain(sentence), Latin::Mandarin).unwrap();
    let shown = |mut stretch: Stretch| {
        stretch.words.iter_mut().for_each(Word::uncolor);
        pinyin(&stretch.words, " ")
    };
    let shown: Vec<String> = stretches.into_iter().map(shown).collect();
    shown.join(" ").replace(" /", "")
}

#[test]
fn sentences_are_read_as_the_table_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let rows = TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in rows {
        let (sentence, expected) = line.split_once('\t').unwrap();
        let read = read(sentence);
        if read != expected {
            wrong.push(format!(
                "{sentence}\n  read     {read}\n  expected {expected}"
            ));
        }
        count += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 320, "only {count} sentences");
}
