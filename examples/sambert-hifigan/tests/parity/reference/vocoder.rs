//! Cases of the vocoder.

use std::{collections::HashMap, fs, path::Path};

use candle_core::Tensor;
use serde_json::Value;

use super::{
    case::{Stored, floats, present, read_tensors, weight_files},
    report::{Report, TOLERANCE},
};
use crate::{
    load::{VOCODER_PATHS, VocoderConfig, read_checkpoint},
    probe::Probe,
    stop::StopSignal,
    vocoder::{Given, Vocoder},
};

/// Compares every utterance, with the weights from every container.
pub(super) fn compare(case: &Path, meta: &Value, report: &mut Report) {
    for file in weight_files(case) {
        let model = load(case, &file);
        for one in present(case, meta) {
            let at = case.join(one["file"].as_str().unwrap());
            utterance(&at, &model, &read_tensors(&at), report);
        }
    }
}

/// Loads the generator of a case from one of its weight files.
pub(in crate::parity) fn load(case: &Path, file: &str) -> Vocoder {
    let text = fs::read_to_string(case.join("config.yaml")).unwrap();
    let config = VocoderConfig::parse("config.yaml", &text).unwrap();
    let bytes = fs::read(case.join(file)).unwrap();
    let tensors = read_checkpoint(file, bytes, VOCODER_PATHS).unwrap();
    Vocoder::load(file, &config, tensors).unwrap()
}

fn utterance(at: &Path, model: &Vocoder, tensors: &Stored, report: &mut Report) {
    let mut seen: HashMap<String, Vec<f32>> = HashMap::new();
    let mut sink = |name: &str, values: &[f32]| {
        seen.entry(name.to_owned())
            .or_default()
            .extend_from_slice(values)
    };
    let given = |name: &str| tensors.get(name).map(floats).unwrap_or_default();
    // Stored with its deviation, which the source multiplies by.
    let noise = given("noise").iter().map(|noise| noise / 0.003).collect();
    let random = Given {
        phase: given("phase"),
        noise,
        taken: Vec::new(),
    };
    let input = &tensors["mel"];
    let frames = floats(&input.t().unwrap());
    let channels = input.dim(0).unwrap();
    let wav = model
        .run(
            &frames,
            random,
            &StopSignal::new(),
            &mut Probe::new(&mut sink),
        )
        .unwrap();
    assert_eq!(
        wav.len(),
        frames.len() / channels * model.samples_per_frame()
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
