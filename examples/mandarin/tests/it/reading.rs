//! Sentences and how they are read: polyphones, numbers, running tones.

use mandarin::{Latin, Script, Stretch, Word, analyze, pinyin};

/// Each line is a sentence and its surface pinyin, checked by hand; breaks inside a clause are not compared.
const TABLE: &str = include_str!("reading.tsv");
const FIELDS: &str = include_str!("fields.tsv");
const MIXED: &str = include_str!("mixed.tsv");
const HARD: &str = include_str!("hard.tsv");

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

/// Compares each line of a table with how its sentence is read.
fn check(table: &str, least: usize) {
    let mut wrong = Vec::new();
    let mut count = 0;
    let is_row = |line: &&str| !line.is_empty() && !line.starts_with('#');
    for line in table.lines().filter(is_row) {
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
    assert!(count >= least, "only {count} sentences");
}

#[test]
fn sentences_are_read_as_the_table_says() {
    check(TABLE, 320);
}

#[test]
fn hard_sentences_are_read_as_the_table_says() {
    check(HARD, 200);
}

#[test]
fn sentences_of_many_fields_are_read_as_the_table_says() {
    check(FIELDS, 600);
}

#[test]
fn sentences_with_several_readings_of_a_character_are_read_as_the_table_says() {
    check(MIXED, 298);
}
