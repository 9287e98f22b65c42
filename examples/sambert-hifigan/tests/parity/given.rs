//! Speech from readings written by hand beside speech from text: run by hand, see `measure/README.md`.

use std::{
    env,
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use mandarin::{Break, Syllable, Word};

use crate::{
    Emotion, StopSignal, Style, Voice,
    probe::Probe,
    speech::Sentence,
    units::{Unit, units_of},
    vocoder::Seeded,
    wav,
};

/// How many times everything is spoken, each time with other noise.
const SEEDS: u64 = 3;

/// Reads the notation of `sentences.tsv`.
fn words_of(reading: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for part in reading.split_whitespace() {
        if part == "/" {
            words.last_mut().unwrap().after = Break::Phrase;
            continue;
        }
        let after = match part.chars().last() {
            Some('.') => Break::Sentence,
            Some(',') => Break::Clause,
            _ => Break::Word,
        };
        let syllables = part
            .trim_end_matches([',', '.'])
            .split_inclusive(|c: char| c.is_ascii_digit())
            .map(|syllable| Syllable::parse(syllable).unwrap())
            .collect();
        let text = String::new();
        words.push(Word {
            text,
            syllables,
            after,
        });
    }
    words
}

fn speak_units(voice: &Voice, units: Vec<Unit>, seed: u64) -> Vec<f32> {
    let stop = StopSignal::new();
    let model = &voice.handle.model;
    let ids = Sentence::of_units(units).encode(&model.tables).unwrap();
    let mel = model
        .acoustic
        .run(&ids, 1.0, &stop, &mut Probe::none())
        .unwrap();
    model
        .vocoder
        .run(&mel.values, Seeded::new(seed), &stop, &mut Probe::none())
        .unwrap()
}

fn speak_text(voice: &Voice, text: &str, style: &Style) -> (Vec<Unit>, Vec<f32>) {
    let plan = voice.plan(text, style).unwrap();
    let units = plan.sentences().iter().flat_map(Sentence::units).cloned();
    let stop = StopSignal::new();
    let samples = voice.speak(&plan, &stop).flat_map(Result::unwrap).collect();
    (units.collect(), samples)
}

/// What is said, without how its words are set off from each other.
fn sounds(units: &[Unit]) -> Vec<String> {
    let sounds = units.iter().filter(|unit| !unit.phone.starts_with('#'));
    sounds
        .map(|unit| format!("{}{}", unit.phone, unit.tone.trim_start_matches("tone")))
        .collect()
}

fn compare(text: &str, found: &[Unit], given: &[Unit]) -> String {
    let [sounds_found, sounds_given] = [found, given].map(sounds);
    let kind = match (found == given, sounds_found == sounds_given) {
        (true, _) => "equal",
        (_, true) => "breaks",
        _ => "sounds",
    };
    let [found, given] = [sounds_found, sounds_given].map(|sounds| sounds.join(" "));
    format!("{kind}\t{text}\t{found}\t{given}\n")
}

/// Speaks every line in one style; returns how the front end's units differ from the given ones.
fn speak_table(voice: &Voice, table: &str, style: &Style, folder: &Path) -> String {
    fs::create_dir_all(folder).unwrap();
    let write = |name: String, samples: &[f32]| {
        let file = BufWriter::new(File::create(folder.join(name)).unwrap());
        wav::write(file, voice.sample_rate(), samples).unwrap();
    };
    let mut differences = String::new();
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    for (number, line) in lines.enumerate() {
        let (text, reading) = line.split_once('\t').unwrap();
        let (emotion, speaker) = (style.emotion().symbol(), &voice.handle.model.speaker);
        let given = units_of(&words_of(reading), emotion, speaker).unwrap();
        let (found, samples) = speak_text(voice, text, style);
        differences += &compare(text, &found, &given);
        write(format!("{number:02}.text.wav"), &samples);
        let samples = speak_units(voice, given, style.seed());
        write(format!("{number:02}.given.wav"), &samples);
    }
    differences
}

/// Writes `SPOKEN/SEED/EMOTION/NUMBER.text.wav` and `.given.wav`, and in `SPOKEN/differences.tsv` how they differ.
#[test]
#[ignore = "a measurement: see measure/README.md"]
fn sentences_are_spoken_from_text_and_from_their_readings() {
    let spoken = PathBuf::from(env::var_os("SPOKEN").expect("SPOKEN names a folder"));
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("measure/sentences.tsv");
    let table = fs::read_to_string(table).unwrap();
    let voice = Voice::demo().unwrap();
    for seed in 0..SEEDS {
        for emotion in voice.emotions().iter().filter(|e| **e != Emotion::None) {
            let style = Style::default().with_emotion(*emotion).with_seed(seed);
            let folder = spoken.join(seed.to_string()).join(emotion.name());
            let differences = speak_table(&voice, &table, &style, &folder);
            fs::write(spoken.join("differences.tsv"), differences).unwrap();
        }
    }
}
