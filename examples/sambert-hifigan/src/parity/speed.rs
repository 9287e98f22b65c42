//! Speed at full size, with random weights: run by hand in release mode, see the README.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};

use crate::{
    StopSignal,
    acoustic::{Acoustic, Statistics},
    load::{AcousticConfig, LoadError, Tensors, VocoderConfig},
    probe::Probe,
    units::{Ids, Tables, TextIds},
    vocoder::{Seeded, Vocoder},
};

const ACOUSTIC: &str = "
Model: {KanTtsSAMBERT: {params: {max_len: 800, embedding_dim: 512, encoder_num_layers: 8, encoder_num_heads: 8,
  encoder_num_units: 128, encoder_ffn_inner_dim: 1024, encoder_projection_units: 32, speaker_units: 32,
  emotion_units: 32, predictor_filter_size: 41, predictor_fsmn_num_layers: 3, predictor_num_memory_units: 128,
  predictor_ffn_inner_dim: 256, predictor_shift: 0, predictor_lstm_units: 128, dur_pred_prenet_units: [128, 128],
  dur_pred_lstm_units: 128, decoder_prenet_units: [256, 256], decoder_num_layers: 12, decoder_num_heads: 8,
  decoder_num_units: 128, decoder_ffn_inner_dim: 1024, outputs_per_step: 3, num_mels: 80, postnet_filter_size: 41,
  postnet_fsmn_num_layers: 4, postnet_num_memory_units: 256, postnet_ffn_inner_dim: 512, postnet_shift: 17,
  postnet_lstm_units: 128}}}
linguistic_unit: {speaker_list: F7}
";

const VOCODER: &str = "
Model: {Generator: {params: {in_channels: 80, out_channels: 1, channels: 256, kernel_size: 7,
  upsample_scales: [10, 5, 2, 2], upsample_kernal_sizes: [20, 11, 4, 4], resblock_kernel_sizes: [3, 7, 11],
  resblock_dilations: [[1, 3, 5, 7], [1, 3, 5, 7], [1, 3, 5, 7]], causal: false}}}
";

/// Makes the tensors a model misses: the error names every one with its shape.
fn random_tensors(missing: &LoadError) -> Tensors {
    let mut tensors = Tensors::new();
    for problem in missing.problems() {
        let (name, shape) = problem
            .strip_prefix("missing tensor ")
            .unwrap()
            .split_once(' ')
            .unwrap();
        let shape: Vec<usize> = serde_json::from_str(shape).unwrap();
        let tensor = if name.contains("duration_predictor.fc") {
            // Nine frames for every unit: a normal speaking rate.
            let value = if name.ends_with("bias") {
                10f32.ln()
            } else {
                0.0
            };
            Tensor::full(value, shape.clone(), &Device::Cpu).unwrap()
        } else {
            let deviation = if shape.len() > 1 {
                0.6 / (shape[1..].iter().product::<usize>() as f32).sqrt()
            } else {
                0.1
            };
            let tensor = Tensor::randn(0f32, deviation, shape.clone(), &Device::Cpu).unwrap();
            if name.contains("norm.weight") {
                (tensor + 1.0).unwrap()
            } else {
                tensor
            }
        };
        tensors.insert(name.to_owned(), tensor);
    }
    tensors
}

#[allow(
    clippy::disallowed_methods,
    reason = "a measurement looks at the clock"
)]
fn median(mut run: impl FnMut()) -> Duration {
    run();
    let mut times: Vec<_> = (0..5)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[2]
}

#[test]
#[ignore = "a measurement: cargo test --release -p sambert-hifigan full_size -- --ignored --nocapture"]
fn full_size_models_are_faster_than_their_reference() {
    let config = AcousticConfig::parse("config.yaml", ACOUSTIC).unwrap();
    let tables = Tables::new("F7", |_| None);
    let acoustic =
        |tensors| Acoustic::load("random", &config, tensors, &Statistics::default(), &tables);
    let acoustic = acoustic(random_tensors(&acoustic(Tensors::new()).unwrap_err())).unwrap();
    let config = VocoderConfig::parse("config.yaml", VOCODER).unwrap();
    let vocoder = |tensors| Vocoder::load("random", &config, tensors);
    let vocoder = vocoder(random_tensors(&vocoder(Tensors::new()).unwrap_err())).unwrap();
    println!(
        "{} and {} weights",
        acoustic.parameters(),
        vocoder.parameters()
    );
    for characters in [10u32, 30, 60] {
        let units = (characters * 2 + characters / 4) as usize;
        let column = |size: u32| {
            (0..units as u32)
                .map(|index| index * 7 % size)
                .collect::<Vec<_>>()
        };
        let text = TextIds::Units([column(140), column(6), column(4), column(4)]);
        let ids = Ids {
            text,
            emotion: vec![1; units],
            speaker: vec![0; units],
        };
        let stop = StopSignal::new();
        let mel = acoustic.run(&ids, 1.0, &stop, &mut Probe::none()).unwrap();
        let frames = mel.values.len() / mel.channels;
        let seconds = frames as f64 * 200.0 / 16_000.0;
        let first = median(|| {
            drop(black_box(
                acoustic.run(&ids, 1.0, &stop, &mut Probe::none()).unwrap(),
            ))
        });
        let second = median(|| {
            drop(black_box(
                vocoder
                    .run(&mel, Seeded::new(0), &stop, &mut Probe::none())
                    .unwrap(),
            ))
        });
        let [first, second] = [first, second].map(|time| time.as_secs_f64() / seconds);
        println!(
            "{characters} characters, {frames} frames: acoustic {first:.3}, vocoder {second:.3}, both {:.3}",
            first + second
        );
    }
}
