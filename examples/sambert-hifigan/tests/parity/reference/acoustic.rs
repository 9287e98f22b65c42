//! Cases of the acoustic model.

use std::{collections::HashMap, fs, path::Path};

use checkpoint::read_npy;
use serde_json::Value;

use super::{
    case::{Stored, floats, integers, present, read_tensors, weight_files},
    report::Report,
};
use crate::{
    acoustic::Acoustic,
    load::{ACOUSTIC_PATHS, AcousticConfig, Statistics, read_checkpoint},
    probe::Probe,
    stop::StopSignal,
    units::{Ids, Tables, TextIds, Unit},
};

/// Compares every utterance, with the weights from every container.
pub(super) fn compare(case: &Path, meta: &Value, report: &mut Report) {
    let text = fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = AcousticConfig::parse("config.yaml", &text).unwrap();
    let tables = Tables::new(&config.linguistic_unit.speaker_list, |_| None);
    for file in weight_files(case) {
        let model = load_acoustic(case, &tables, &file);
        for one in present(case, meta) {
            let name = one["file"].as_str().unwrap();
            let tensors = read_tensors(&case.join(name));
            let ids = ids_of(&tensors);
            if let Some(units) = one["symbols"].as_str().and_then(Unit::parse_line) {
                check_units(&tables, &units, &ids);
            }
            utterance(&case.join(name), &model, &ids, &tensors, report);
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

fn ids_of(tensors: &Stored) -> Ids {
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

fn utterance(at: &Path, model: &Acoustic, ids: &Ids, tensors: &Stored, report: &mut Report) {
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

fn load_acoustic(case: &Path, tables: &Tables, from: &str) -> Acoustic {
    let text = fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = AcousticConfig::parse("config.yaml", &text).unwrap();
    let bytes = fs::read(case.join(from)).unwrap();
    let tensors = read_checkpoint(from, bytes, ACOUSTIC_PATHS).unwrap();
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
