//! Comparison with the reference: every stored tensor of every case.
//!
//! A folder of cases ships with the crate; more are read from `SAMBERT_FIXTURES`, or from beside the
//! workspace, when they are there. Whatever case is found is run.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use crate::{
    acoustic::{Acoustic, Mel, Statistics},
    load::{
        ACOUSTIC_PATHS, AcousticConfig, Tensors, VOCODER_PATHS, VocoderConfig, read_checkpoint,
        read_npy,
    },
    probe::Probe,
    stop::StopSignal,
    units::{Ids, Tables, TextIds, Unit},
    vocoder::{Given, Vocoder},
};

/// How far a tensor may be from the reference.
const TOLERANCE: f32 = 1e-4;

/// The worst difference of each tensor name, and how many were compared.
#[derive(Default)]
struct Report {
    worst: BTreeMap<String, (f32, usize)>,
    cases: usize,
    utterances: usize,
}

impl Report {
    fn compare(&mut self, at: &Path, name: &str, ours: &[f32], theirs: &[f32]) {
        assert_eq!(
            ours.len(),
            theirs.len(),
            "{}: {name} has another size",
            at.display()
        );
        // Frequencies are in Hz: differences count relative to values above one.
        let off = |(a, b): (&f32, &f32)| (a - b).abs() / b.abs().max(1.0);
        let delta = ours.iter().zip(theirs).map(off).fold(0.0, f32::max);
        assert!(
            delta <= TOLERANCE,
            "{}: {name} is {delta} off",
            at.display()
        );
        let kind = name
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned();
        let entry = self.worst.entry(kind).or_default();
        *entry = (entry.0.max(delta), entry.1 + 1);
    }
}

pub(super) fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor
        .to_dtype(DType::F32)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

fn integers(tensors: &Tensors, name: &str) -> Option<Vec<u32>> {
    let tensor = tensors.get(name)?.to_dtype(DType::U32).unwrap();
    Some(tensor.flatten_all().unwrap().to_vec1().unwrap())
}

fn read_tensors(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .unwrap()
        .into_iter()
        .collect()
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Returns the folder of the whole set of cases, where it is there.
#[allow(
    clippy::disallowed_methods,
    reason = "the place of test data is the environment's"
)]
pub(super) fn more_cases() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tts/fixtures");
    let more = std::env::var("SAMBERT_FIXTURES").map_or(beside, PathBuf::from);
    if !more.is_dir() {
        println!(
            "{} is not there: only the shipped cases are compared",
            more.display()
        );
        return None;
    }
    Some(more)
}

/// Finds every folder below with a `meta.json`.
fn cases(root: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.join("meta.json").is_file() {
            found.push(path);
        } else if path.is_dir() {
            cases(&path, found);
        }
    }
}

#[test]
fn every_intermediate_equals_the_reference() {
    let mut found = Vec::new();
    [Some(shipped()), more_cases()]
        .iter()
        .flatten()
        .for_each(|folder| cases(folder, &mut found));
    found.sort();
    assert!(!found.is_empty(), "no case was found");
    let mut report = Report::default();
    for case in &found {
        let meta: Value =
            serde_json::from_str(&fs::read_to_string(case.join("meta.json")).unwrap()).unwrap();
        match meta["kind"].as_str() {
            Some("am") => acoustic_case(case, &meta, &mut report),
            Some("vocoder") => vocoder_case(case, &meta, &mut report),
            other => panic!("{}: kind {other:?} is unknown", case.display()),
        }
        report.cases += 1;
    }
    for (name, (worst, count)) in &report.worst {
        println!("{name:28} {count:5} compared, worst difference {worst:.2e}");
    }
    println!("{} cases, {} utterances", report.cases, report.utterances);
}

fn load_acoustic(case: &Path, tables: &Tables, from: &str) -> Acoustic {
    let text = fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = AcousticConfig::parse("config.yaml", &text).unwrap();
    let bytes = fs::read(case.join(from)).unwrap();
    let tensors = read_checkpoint(from, &bytes, ACOUSTIC_PATHS).unwrap();
    let array = |name: &str| {
        fs::read(case.join(name))
            .ok()
            .map(|bytes| read_npy(&bytes).unwrap())
    };
    let statistics = Statistics {
        mvn: array("mvn.npy"),
        se: array("se.npy"),
    };
    Acoustic::load(from, &config, tensors, &statistics, tables).unwrap()
}

/// Returns the utterances whose tensors are there: the shipped cases bring only the shortest.
fn present<'a>(case: &Path, meta: &'a Value) -> Vec<&'a Value> {
    let utterances = meta["utterances"].as_array().unwrap().iter();
    let present: Vec<_> = utterances
        .filter(|one| case.join(one["file"].as_str().unwrap()).is_file())
        .collect();
    assert!(!present.is_empty(), "{}", case.display());
    present
}

/// Returns the names of the weight files in a case: both containers hold the same.
fn weight_files(case: &Path) -> Vec<String> {
    let names = fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("checkpoint") || name.starts_with("model"))
        .collect();
    names.sort();
    names
}

fn acoustic_case(case: &Path, meta: &Value, report: &mut Report) {
    let text = fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = AcousticConfig::parse("config.yaml", &text).unwrap();
    let tables = Tables::new(&config.linguistic_unit.speaker_list, |_| None);
    for file in weight_files(case) {
        let model = load_acoustic(case, &tables, &file);
        for utterance in present(case, meta) {
            let name = utterance["file"].as_str().unwrap();
            let tensors = read_tensors(&case.join(name));
            let ids = ids_of(&tensors);
            if let Some(units) = utterance["symbols"].as_str().and_then(Unit::parse_line) {
                check_units(&tables, &units, &ids);
            }
            acoustic_utterance(&case.join(name), &model, &ids, &tensors, report);
        }
    }
}

fn check_units(tables: &Tables, units: &[Unit], ids: &Ids) {
    let encoded = tables.encode(units).unwrap();
    let (TextIds::Units(ours), TextIds::Units(theirs)) = (&encoded.text, &ids.text) else {
        return;
    };
    assert_eq!(ours, theirs);
    assert_eq!(encoded.emotion, ids.emotion);
    if !ids.speaker.is_empty() {
        assert_eq!(encoded.speaker, ids.speaker);
    }
}

fn ids_of(tensors: &Tensors) -> Ids {
    let column = |name: &str| integers(tensors, name).unwrap();
    let text = match integers(tensors, "ids_byte_index") {
        Some(bytes) => TextIds::Bytes(bytes),
        None => TextIds::Units(
            [
                "ids_sy",
                "ids_tone",
                "ids_syllable_flag",
                "ids_word_segment",
            ]
            .map(column),
        ),
    };
    Ids {
        text,
        emotion: column("ids_emotion"),
        speaker: integers(tensors, "ids_speaker").unwrap_or_default(),
    }
}

fn acoustic_utterance(
    at: &Path,
    model: &Acoustic,
    ids: &Ids,
    tensors: &Tensors,
    report: &mut Report,
) {
    let mut seen: HashMap<String, Vec<f32>> = HashMap::new();
    let mut sink = |name: &str, values: &[f32]| {
        seen.entry(name.to_owned())
            .or_default()
            .extend_from_slice(values)
    };
    let mel = model
        .run(ids, 1.0, &StopSignal::new(), &mut Probe::new(&mut sink))
        .unwrap();
    let durations = integers(tensors, "duration_int").unwrap();
    assert_eq!(
        mel.durations.iter().map(|d| *d as u32).collect::<Vec<_>>(),
        durations,
        "{}",
        at.display()
    );
    let scalars = integers(tensors, "scalars_i64").unwrap();
    assert_eq!(mel.values.len() / mel.channels, scalars[2] as usize);
    let mut compared = 0;
    for (name, tensor) in tensors {
        if name.starts_with("ids_")
            || ["duration_int", "scalars_i64", "se"].contains(&name.as_str())
        {
            continue;
        }
        let mut theirs = floats(tensor);
        let ours = seen
            .get(name)
            .unwrap_or_else(|| panic!("{}: {name} was not seen", at.display()));
        // Rows after the last frame only fill the last step and mean nothing.
        if name.starts_with("dec_mel") || name.starts_with("post_") {
            theirs.truncate(ours.len());
        }
        report.compare(at, name, ours, &theirs);
        compared += 1;
    }
    assert!(compared > 25, "{}: only {compared} tensors", at.display());
    report.utterances += 1;
}

fn vocoder_case(case: &Path, meta: &Value, report: &mut Report) {
    let text = fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = VocoderConfig::parse("config.yaml", &text).unwrap();
    for file in weight_files(case) {
        let bytes = fs::read(case.join(&file)).unwrap();
        let tensors = read_checkpoint(&file, &bytes, VOCODER_PATHS).unwrap();
        let model = Vocoder::load(&file, &config, tensors).unwrap();
        for utterance in present(case, meta) {
            let at = case.join(utterance["file"].as_str().unwrap());
            vocoder_utterance(&at, &model, &read_tensors(&at), report);
        }
    }
}

fn vocoder_utterance(at: &Path, model: &Vocoder, tensors: &Tensors, report: &mut Report) {
    let mut seen: HashMap<String, Vec<f32>> = HashMap::new();
    let mut sink = |name: &str, values: &[f32]| {
        seen.entry(name.to_owned())
            .or_default()
            .extend_from_slice(values)
    };
    let given = |name: &str| tensors.get(name).map(floats).unwrap_or_default();
    // Stored with its deviation, which the source multiplies by.
    let noise = given("noise").iter().map(|noise| noise / 0.003).collect();
    let mut random = Given {
        phase: given("phase"),
        noise,
    };
    let input = &tensors["mel"];
    let mel = Mel {
        values: floats(&input.t().unwrap()),
        channels: input.dim(0).unwrap(),
        durations: Vec::new(),
    };
    let wav = model
        .run(
            &mel,
            &mut random,
            &StopSignal::new(),
            &mut Probe::new(&mut sink),
        )
        .unwrap();
    assert_eq!(
        wav.len(),
        mel.values.len() / mel.channels * model.samples_per_frame()
    );
    for (name, tensor) in tensors {
        let theirs = floats(tensor);
        match name.as_str() {
            "mel" | "mel_raw_uv" | "phase" | "noise" => {}
            "pcm_modelscope_i16" => {
                let steps = |sample: &f32| (sample * 32768.0).trunc().clamp(-32768.0, 32767.0);
                // The reference lets samples beyond full scale wrap around.
                let inside = wav
                    .iter()
                    .zip(&theirs)
                    .filter(|(ours, _)| ours.abs() < 0.999);
                let off = inside.map(|(ours, theirs)| (steps(ours) - theirs).abs());
                assert!(
                    off.fold(0.0, f32::max) <= 1.0 + 32768.0 * TOLERANCE,
                    "{}",
                    at.display()
                );
            }
            _ => {
                let ours = seen
                    .get(name)
                    .unwrap_or_else(|| panic!("{}: {name} was not seen", at.display()));
                let theirs = if name.starts_with("up_") {
                    cropped(tensor, ours.len())
                } else {
                    theirs
                };
                report.compare(at, name, ours, &theirs);
            }
        }
    }
    report.utterances += 1;
}

/// The reference stores the transposed branch before it is cut to length.
fn cropped(tensor: &Tensor, wanted: usize) -> Vec<f32> {
    let rows = tensor.dim(tensor.rank() - 2).unwrap();
    floats(
        &tensor
            .narrow(tensor.rank() - 1, 0, wanted / rows)
            .unwrap()
            .contiguous()
            .unwrap(),
    )
}
