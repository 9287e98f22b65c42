//! The demo voice against the sequences its makers recorded.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    StopSignal, Style, Voice, probe::Probe, speech::Sentence, units::Unit, vocoder::Seeded,
};

fn sequences() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo/sequences.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_demo_voice_speaks_as_recorded() {
    let voice = Voice::demo().unwrap();
    let mut worst = 0.0f64;
    let sequences = sequences();
    for sequence in &sequences {
        let units = Unit::parse_line(sequence["symbols"].as_str().unwrap()).unwrap();
        let ids = Sentence::of_units(units)
            .encode(&voice.handle.model.tables)
            .unwrap();
        let mel = voice
            .handle
            .model
            .acoustic
            .run(&ids, 1.0, &StopSignal::new(), &mut Probe::none())
            .unwrap();
        let recorded: Vec<usize> = sequence["predicted_durations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d.as_u64().unwrap() as usize)
            .collect();
        assert_eq!(mel.durations, recorded, "{}", sequence["id"]);
        let frames = mel.values.chunks_exact(mel.channels);
        for (frame, recorded) in frames.zip(sequence["f0_hz_first20"].as_array().unwrap()) {
            let off = (f64::from(frame[mel.channels - 2]) - recorded.as_f64().unwrap()).abs();
            assert!(off <= 0.5, "{}: {off} Hz", sequence["id"]);
            worst = worst.max(off);
        }
        let samples = voice
            .handle
            .model
            .vocoder
            .run(
                &mel.values,
                Seeded::new(0),
                &StopSignal::new(),
                &mut Probe::none(),
            )
            .unwrap();
        assert_eq!(samples.len(), recorded.iter().sum::<usize>() * 200);
        let level = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
        assert!(
            (0.01..0.2).contains(&level.sqrt()),
            "{}: level {}",
            sequence["id"],
            level.sqrt()
        );
    }
    println!(
        "{} sequences: durations equal, frequencies within {worst:.3} Hz",
        sequences.len()
    );
}

/// What words a sentence has: its phones and their places, without tones and without the weight of breaks inside.
fn words(units: &[Unit]) -> Vec<String> {
    let word = |unit: &Unit| match &*unit.phone {
        "#1" | "#2" => "break".to_owned(),
        phone => format!("{phone} {} {}", unit.flag, unit.segment),
    };
    units.iter().map(word).collect()
}

#[test]
fn the_front_end_finds_the_recorded_words() {
    let voice = Voice::demo().unwrap();
    for sequence in sequences() {
        let text = |key: &str| sequence[key].as_str().unwrap();
        let style = Style::default().with_emotion(text("emotion").parse().unwrap());
        let plan = voice.plan(text("text"), &style).unwrap();
        let units: Vec<_> = plan
            .sentences()
            .iter()
            .flat_map(Sentence::units)
            .cloned()
            .collect();
        let recorded = Unit::parse_line(text("symbols")).unwrap();
        assert_eq!(words(&units), words(&recorded), "{}", text("text"));
    }
}

#[test]
fn the_demo_voice_sounds_as_recorded() {
    let voice = Voice::demo().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo/s1.wav");
    let file = fs::read(path).unwrap();
    let recorded = file[44..]
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32768.0);
    let recorded: Vec<f32> = recorded.collect();
    let units = Unit::parse_line(sequences()[0]["symbols"].as_str().unwrap()).unwrap();
    let ids = Sentence::of_units(units)
        .encode(&voice.handle.model.tables)
        .unwrap();
    let mel = voice
        .handle
        .model
        .acoustic
        .run(&ids, 1.0, &StopSignal::new(), &mut Probe::none())
        .unwrap();
    let spoken = voice
        .handle
        .model
        .vocoder
        .run(
            &mel.values,
            Seeded::new(3),
            &StopSignal::new(),
            &mut Probe::none(),
        )
        .unwrap();
    assert_eq!(spoken.len(), recorded.len());
    let product =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let alike = product(&spoken, &recorded)
        / (product(&spoken, &spoken) * product(&recorded, &recorded)).sqrt();
    println!("correlation with the recording: {alike:.5}");
    // Only the noise differs, and half precision.
    assert!(alike > 0.995, "{alike}");
}
