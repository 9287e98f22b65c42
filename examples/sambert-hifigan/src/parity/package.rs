//! A whole package from disk to PCM against the reference pipeline, where the larger set of cases is present.

use std::{collections::BTreeMap, fs};

use candle_core::{Device, Tensor};
use serde_json::Value;

use super::reference::{floats, more_cases};
use crate::{StopSignal, Voice, plan::Sentence, probe::Probe, units::Unit, vocoder::Given, wav};

#[test]
fn a_package_speaks_as_the_reference_pipeline() {
    let Some(root) = more_cases()
        .map(|cases| cases.join("modelscope_dir"))
        .filter(|root| root.is_dir())
    else {
        println!("no package to compare with: skipped");
        return;
    };
    let expected: BTreeMap<String, Value> =
        serde_json::from_str(&fs::read_to_string(root.join("expected.json")).unwrap()).unwrap();
    assert_eq!(
        Voice::load(&root).unwrap().name(),
        "tiny_plain_emo",
        "the first voice of the list is the default"
    );
    for (name, expected) in &expected {
        let folder = root.join("voices").join(name);
        let voice = Voice::load(&folder).unwrap();
        let tensors =
            candle_core::safetensors::load(folder.join("expected.safetensors"), &Device::Cpu)
                .unwrap();
        for (index, line) in expected["lines"].as_array().unwrap().iter().enumerate() {
            let units = Unit::parse_line(line["symbols"].as_str().unwrap()).unwrap();
            let ids = Sentence::of_units(units).encode(&voice.tables).unwrap();
            let mel = voice
                .acoustic
                .run(&ids, 1.0, &StopSignal::new(), &mut Probe::none())
                .unwrap();
            let durations: Vec<usize> = serde_json::from_value(line["durations"].clone()).unwrap();
            assert_eq!(mel.durations, durations, "{name} {index}");
            let theirs = tensors
                .get(&format!("mel_denorm_{index}"))
                .unwrap_or(&tensors[&format!("mel_{index}")]);
            close(&mel.values, theirs, 1e-4, name);
            let mut silent = Given::default();
            let samples = voice
                .vocoder
                .run(&mel, &mut silent, &StopSignal::new(), &mut Probe::none())
                .unwrap();
            // Tiny differences in frequency add up in the phase.
            let tolerance = if expected["nsf"] == true { 1e-3 } else { 1e-4 };
            close(&samples, &tensors[&format!("wav_{index}")], tolerance, name);
            let pcm = wav::to_pcm16(&samples);
            let pcm = pcm
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from(i16::from_le_bytes(*bytes)));
            let steps = pcm
                .zip(floats(&tensors[&format!("pcm_{index}")]))
                .map(|(a, b)| (a - b).abs());
            assert!(steps.fold(0.0, f32::max) <= 1.0 + 32768.0 * tolerance);
        }
    }
}

fn close(ours: &[f32], theirs: &Tensor, tolerance: f32, name: &str) {
    let theirs = floats(theirs);
    assert_eq!(ours.len(), theirs.len());
    let off = ours
        .iter()
        .zip(&theirs)
        .map(|(a, b)| (a - b).abs() / b.abs().max(1.0))
        .fold(0.0, f32::max);
    assert!(off <= tolerance, "{name}: {off}");
}
