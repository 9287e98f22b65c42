//! Sentences and how they are read: polyphones, numbers, running tones.

use sambert_hifigan::{Style, Voice};

/// Each line is a sentence and its surface pinyin, checked by hand; breaks inside a clause are not compared.
const TABLE: &str = include_str!("reading.tsv");

#[test]
fn sentences_are_read_as_the_table_says() {
    let voice = Voice::demo().unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (sentence, expected) = line.split_once('\t').unwrap();
        let read = voice
            .plan(sentence, &Style::default())
            .unwrap()
            .pinyin()
            .replace(" /", "");
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
