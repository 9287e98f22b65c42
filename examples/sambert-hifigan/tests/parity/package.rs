//! A whole package from disk to PCM against the reference pipeline, where the larger set of cases is present.

use std::{collections::BTreeMap, fs, path::Path};

use candle_core::{Device, Tensor};
use serde_json::Value;

use super::reference::{all_cases, floats, more_cases, weight_files};
use crate::{
    Plan, SsmlProblem, StopSignal, Style, Voice,
    probe::Probe,
    speech::Sentence,
    units::{TextIds, Unit},
    vocoder::Given,
    wav,
};

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
    let list = fs::read_to_string(root.join("voices/voices.json")).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        Voice::load(&root).unwrap().name(),
        list["voices"][0],
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
            let ids = Sentence::of_units(units)
                .encode(&voice.handle.model.tables)
                .unwrap();
            let mel = voice
                .handle
                .model
                .acoustic
                .run(&ids, 1.0, &StopSignal::new(), &mut Probe::none())
                .unwrap();
            let durations: Vec<usize> = serde_json::from_value(line["durations"].clone()).unwrap();
            assert_eq!(mel.durations, durations, "{name} {index}");
            let theirs = tensors
                .get(&format!("mel_denorm_{index}"))
                .unwrap_or(&tensors[&format!("mel_{index}")]);
            close(&mel.values, theirs, 1e-4, name);
            let silent = Given::default();
            let samples = voice
                .handle
                .model
                .vocoder
                .run(&mel.values, silent, &StopSignal::new(), &mut Probe::none())
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

#[test]
fn a_voice_trained_on_bytes_reads_the_text_as_it_is() {
    let Some(voice) = byte_voice() else { return };
    let plan = voice
        .plan("ni3 hao3. zai4 jian4", &Style::default())
        .unwrap();
    assert_eq!(plan.stretches(), 2);
    // The model was trained on sentences that end in a full stop.
    assert_eq!(bytes_of(&voice, &plan, 1), b"zai4 jian4.");
    assert!(plan.seconds_estimate() > 1.0);
    for stretch in voice.speak(&plan, &StopSignal::new()) {
        assert!(!stretch.unwrap().is_empty());
    }
}

#[test]
fn markup_for_a_voice_trained_on_bytes_has_breaks_and_no_readings() {
    let Some(voice) = byte_voice() else { return };
    let plan = |document: &str| voice.plan_ssml(document, &Style::default());
    let spoken = plan(
        r#"<speak>ni3<break/>hao3<break time="1s"/><sub alias="zai4 jian4">bye</sub></speak>"#,
    );
    let spoken = spoken.unwrap();
    assert_eq!(bytes_of(&voice, &spoken, 0), b"ni3,hao3.");
    assert_eq!(bytes_of(&voice, &spoken, 1), b"zai4 jian4.");
    for (element, document) in [
        ("phoneme", r#"<speak><phoneme ph="ni3"/></speak>"#),
        (
            "say-as",
            r#"<speak><say-as interpret-as="digits">1</say-as></speak>"#,
        ),
    ] {
        let error = plan(document).unwrap_err();
        assert_eq!(*error.problem(), SsmlProblem::Unsupported { element });
    }
}

/// Makes a voice of an acoustic model that reads bytes and a vocoder that fits it, whatever the cases are called.
fn byte_voice() -> Option<Voice> {
    let cases = all_cases();
    let of_kind = |kind: &'static str| cases.iter().filter(move |(_, meta)| meta["kind"] == kind);
    let mut bytes = of_kind("am").filter(|(_, meta)| !meta["unit_sizes"]["byte_index"].is_null());
    let voice = bytes.find_map(|(acoustic, _)| {
        of_kind("vocoder").find_map(|(vocoder, _)| assembled(acoustic, vocoder))
    });
    if voice.is_none() {
        println!("no case reads bytes and has a vocoder that fits: skipped");
    }
    voice
}

/// Loads a voice of two cases; `None` where they do not fit each other.
fn assembled(acoustic: &Path, vocoder: &Path) -> Option<Voice> {
    let folder = tempfile::tempdir().unwrap();
    for (name, case) in [("am", acoustic), ("voc", vocoder)] {
        let target = folder.path().join(name);
        fs::create_dir_all(target.join("ckpt")).unwrap();
        fs::copy(case.join("config.yaml"), target.join("config.yaml")).unwrap();
        let file = weight_files(case).pop()?;
        let ending = file.rsplit('.').next()?;
        let checkpoint = format!("ckpt/checkpoint_1.{ending}");
        fs::copy(case.join(&file), target.join(checkpoint)).unwrap();
    }
    Voice::load(folder.path()).ok()
}

/// Returns the bytes of one sentence.
fn bytes_of(voice: &Voice, plan: &Plan, sentence: usize) -> Vec<u8> {
    let ids = plan.sentences()[sentence]
        .encode(&voice.handle.model.tables)
        .unwrap();
    let TextIds::Bytes(bytes) = ids.text else {
        panic!("no bytes")
    };
    bytes
        .into_iter()
        .map(|byte| byte.try_into().unwrap())
        .collect()
}
