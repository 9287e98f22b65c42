//! What speech costs: seconds computed for each second of sound, at the sizes that are in use.
//!
//! The weights are random and of the sizes of the public 16 kHz voices; their worth does not change the work. Each
//! model is measured in a voice whose other model is as small as can be. A table of real-time factors follows
//! criterion's own report: the median of the runs by the clock, and the processor's time where the system tells
//! it, which other work on the machine does not blur.
#![allow(missing_docs, clippy::print_stdout)]
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measurement looks at the clock, and its tables have fixed sizes"
)]

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use rusty_mp3::{Mp3Encoder, Mp3EncoderConfig};
use sambert_hifigan::{Plan, StopSignal, Style, Voice};

const LARGE_ACOUSTIC: &str = "
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

const SMALL_ACOUSTIC: &str = "
Model: {KanTtsSAMBERT: {params: {max_len: 800, embedding_dim: 16, encoder_num_layers: 1, encoder_num_heads: 1,
  encoder_num_units: 16, encoder_ffn_inner_dim: 16, encoder_projection_units: 16, speaker_units: 4,
  emotion_units: 4, predictor_filter_size: 3, predictor_fsmn_num_layers: 1, predictor_num_memory_units: 16,
  predictor_ffn_inner_dim: 16, predictor_shift: 0, predictor_lstm_units: 8, dur_pred_prenet_units: [8, 8],
  dur_pred_lstm_units: 8, decoder_prenet_units: [16, 16], decoder_num_layers: 1, decoder_num_heads: 1,
  decoder_num_units: 16, decoder_ffn_inner_dim: 16, outputs_per_step: 3, num_mels: 80, postnet_filter_size: 3,
  postnet_fsmn_num_layers: 1, postnet_num_memory_units: 16, postnet_ffn_inner_dim: 16, postnet_shift: 0,
  postnet_lstm_units: 8}}}
linguistic_unit: {speaker_list: F7}
";

const LARGE_VOCODER: &str = "
Model: {Generator: {params: {in_channels: 80, out_channels: 1, channels: 256, kernel_size: 7,
  upsample_scales: [10, 5, 2, 2], upsample_kernal_sizes: [20, 11, 4, 4], resblock_kernel_sizes: [3, 7, 11],
  resblock_dilations: [[1, 3, 5, 7], [1, 3, 5, 7], [1, 3, 5, 7]], causal: false}}}
";

const SMALL_VOCODER: &str = "
Model: {Generator: {params: {in_channels: 80, out_channels: 1, channels: 16, kernel_size: 3,
  upsample_scales: [10, 20], upsample_kernal_sizes: [20, 40], resblock_kernel_sizes: [3],
  resblock_dilations: [[1]], causal: false}}}
";

/// Ten characters, and a sentence of its own.
const SENTENCE: &str = "今天天气很好我们出门。";

/// Writes a safetensors file of 32-bit floats.
fn write_tensors(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)]) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let from = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]});
        header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&header).expect("a header");
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length[..], &header, &data].concat()).expect("a file of tensors");
}

/// Makes the values of a tensor: of a size that keeps signals alive, nine frames for every unit.
fn values(name: &str, shape: &[usize], random: &mut u64) -> Vec<f32> {
    let count = shape.iter().product();
    if name.contains("duration_predictor.fc") {
        let bias = if name.ends_with("bias") {
            10f32.ln()
        } else {
            0.0
        };
        return vec![bias; count];
    }
    let inputs: usize = shape.iter().skip(1).product();
    let (spread, middle) = match shape.len() {
        1 => (0.1, f32::from(name.contains("norm.weight"))),
        _ => (1.0 / (inputs as f32).sqrt(), 0.0),
    };
    let mut next = || {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (*random >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| middle + spread * next()).collect()
}

/// Loads a voice of these configurations: what it misses at first is what it needs.
fn voice([acoustic, vocoder]: [&str; 2]) -> Voice {
    let folder = tempfile::tempdir().expect("a folder");
    let models = [("am", acoustic), ("voc", vocoder)].map(|(name, config)| {
        let model = folder.path().join(name);
        fs::create_dir_all(model.join("ckpt")).expect("a folder");
        fs::write(model.join("config.yaml"), config).expect("a configuration");
        model.join("ckpt/checkpoint_1.safetensors")
    });
    models.iter().for_each(|file| write_tensors(file, &[]));
    let missing = Voice::load(folder.path()).expect_err("no weights yet");
    let (mut tensors, mut random) = ([Vec::new(), Vec::new()], 1);
    for problem in missing.problems() {
        let (file, missing) = problem.split_once("missing tensor ").expect(problem);
        let (name, shape) = missing.split_once(' ').expect(problem);
        let shape: Vec<usize> = serde_json::from_str(shape).expect(problem);
        let values = values(name, &shape, &mut random);
        // The error is the acoustic model's and names the other file where a tensor is not.
        tensors[usize::from(!file.is_empty())].push((name.to_owned(), shape, values));
    }
    for (file, tensors) in models.iter().zip(&tensors) {
        write_tensors(file, tensors);
    }
    Voice::load(folder.path()).expect("a voice")
}

/// The processor's time of this process, where the system tells it in hundredths of a second.
fn processor() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<_> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// Seconds of work for each second of sound, by the clock and by the processor.
type Factors = Vec<[f64; 2]>;

fn speak(voice: &Voice, plan: &Plan) -> [f64; 2] {
    let (clock, before) = (Instant::now(), processor());
    let samples: usize = voice
        .speak(plan, &StopSignal::new())
        .map(|chunk| black_box(chunk.expect("speech")).len())
        .sum();
    let took = clock.elapsed();
    let busy = before
        .zip(processor())
        .map(|(before, after)| after - before);
    let seconds = samples as f64 / f64::from(voice.sample_rate());
    [took, busy.unwrap_or_default()].map(|time| time.as_secs_f64() / seconds)
}

fn speech(criterion: &mut Criterion) {
    let acoustic = voice([LARGE_ACOUSTIC, SMALL_VOCODER]);
    let vocoder = voice([SMALL_ACOUSTIC, LARGE_VOCODER]);
    let two = NonZeroUsize::new(2).expect("two");
    let voices = [
        ("acoustic", acoustic),
        ("vocoder", vocoder.clone()),
        ("vocoder, 2 threads", vocoder.with_threads(two)),
        ("demo voice, whole", Voice::demo().expect("the demo voice")),
    ];
    let mut factors: BTreeMap<(&str, usize), Factors> = BTreeMap::new();
    let mut group = criterion.benchmark_group("voice");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(1));
    group.measurement_time(Duration::from_millis(1));
    for characters in [10, 30, 60] {
        for (name, voice) in &voices {
            let text = SENTENCE.repeat(characters / 10);
            let plan = voice.plan(&text, &Style::default()).expect("a plan");
            let runs = factors.entry((name, characters)).or_default();
            group.bench_function(BenchmarkId::new(*name, characters), |bencher| {
                bencher.iter_custom(|times| {
                    let clock = Instant::now();
                    (0..times).for_each(|_| runs.push(speak(voice, &plan)));
                    clock.elapsed()
                });
            });
        }
    }
    group.finish();
    print(&factors);
}

fn print(factors: &BTreeMap<(&str, usize), Factors>) {
    let median = |name: &str, characters, which: usize| {
        let runs = factors.get(&(name, characters)).into_iter().flatten();
        let mut runs: Vec<f64> = runs.map(|run| run[which]).collect();
        runs.sort_by(f64::total_cmp);
        runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN)
    };
    for (which, what) in ["the clock", "the processor"].iter().enumerate() {
        println!("real-time factor by {what:13}        10     30     60 characters");
        let line = |name: &str, sum: &[&str]| {
            let factor = |characters| {
                sum.iter()
                    .map(|part| median(part, characters, which))
                    .sum::<f64>()
            };
            let [a, b, c] = [10, 30, 60].map(factor);
            println!("{name:34}  {a:.3}  {b:.3}  {c:.3}");
        };
        line("full-size acoustic model", &["acoustic"]);
        line("full-size vocoder", &["vocoder"]);
        line("full-size vocoder, 2 threads", &["vocoder, 2 threads"]);
        line("both", &["acoustic", "vocoder"]);
        line(
            "both, vocoder on 2 threads",
            &["acoustic", "vocoder, 2 threads"],
        );
        line("demo voice, text to samples", &["demo voice, whole"]);
    }
}

/// Encodes speech as the reference server does: 64 kbit/s, in stretches of a tenth of a second.
fn encode_mp3(samples: &[f32], rate: u32) -> usize {
    let mut encoder = Mp3Encoder::new(Mp3EncoderConfig {
        bitrate_kbps: 64,
        vbr_quality: None,
    });
    let mut bytes = 0;
    for stretch in samples.chunks(rate as usize / 10) {
        let pushed = encoder.push_pcm_f32(stretch, 1, rate);
        pushed.expect("samples of a rate of MPEG-2");
        while let Ok(frame) = encoder.next_packet() {
            bytes += frame.len();
        }
    }
    encoder.finish();
    while let Ok(frame) = encoder.next_packet() {
        bytes += frame.len();
    }
    bytes
}

/// What MP3 costs beside the speech: seconds of the demo voice that one core encodes in a second.
fn mp3(criterion: &mut Criterion) {
    let voice = Voice::demo().expect("the demo voice");
    let text = SENTENCE.repeat(3);
    let plan = voice.plan(&text, &Style::default()).expect("a plan");
    let mut samples = Vec::new();
    for chunk in voice.speak(&plan, &StopSignal::new()) {
        samples.extend(chunk.expect("speech"));
    }
    let seconds = samples.len() as f64 / f64::from(voice.sample_rate());
    let mut fastest = f64::INFINITY;
    criterion.bench_function("voice/mp3", |bencher| {
        bencher.iter_custom(|times| {
            let clock = Instant::now();
            for _ in 0..times {
                let one = Instant::now();
                black_box(encode_mp3(black_box(&samples), voice.sample_rate()));
                fastest = fastest.min(one.elapsed().as_secs_f64());
            }
            clock.elapsed()
        });
    });
    println!(
        "MP3 of {seconds:.1} s of speech: {:.0} times real time on one core",
        seconds / fastest
    );
}

criterion_group!(benches, speech, mp3);
criterion_main!(benches);
