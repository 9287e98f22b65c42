//! A voice of the size that is released for 16 kHz, with weights made here.

use std::{fs, path::Path};

use sambert_hifigan::{LoadError, Voice};

use super::{check, prepare, size};

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

/// The lines of an error that name a missing tensor and its shape, those of one model.
fn missing(error: &LoadError, vocoder: bool) -> Vec<(String, Vec<usize>)> {
    let of_model = error
        .problems()
        .iter()
        .filter(|problem| problem.starts_with("missing") != vocoder);
    let tensor = |problem: &String| {
        let (_, tensor) = problem.split_once("missing tensor ").unwrap();
        let (name, shape) = tensor.split_once(' ').unwrap();
        (name.to_owned(), serde_json::from_str(shape).unwrap())
    };
    of_model.map(tensor).collect()
}

/// Writes safetensors of small values.
fn weights(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let begin = end;
        end += 4 * shape.iter().product::<usize>();
        let entry =
            serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, end] });
        header.insert(name.clone(), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    let length = (header.len() as u64).to_le_bytes();
    let values = (0..end / 4).flat_map(|index| ((index % 97) as f32 * 1e-3).to_le_bytes());
    length
        .into_iter()
        .chain(header.into_bytes())
        .chain(values)
        .collect()
}

fn put(folder: &Path, config: &str, content: &[u8]) {
    fs::create_dir_all(folder.join("ckpt")).unwrap();
    fs::write(folder.join("config.yaml"), config).unwrap();
    fs::write(folder.join("ckpt/checkpoint_1.safetensors"), content).unwrap();
}

#[test]
fn a_full_size_voice_loads_within_twice_its_files() {
    prepare();
    let folder = tempfile::tempdir().unwrap();
    let put = |acoustic: &[u8], vocoder: &[u8]| {
        put(&folder.path().join("am"), ACOUSTIC, acoustic);
        put(&folder.path().join("voc"), VOCODER, vocoder);
    };
    let nothing = weights(&[]);
    put(&nothing, &nothing);
    // The error names every tensor with its shape.
    let error = Voice::load(folder.path()).unwrap_err();
    let [acoustic, vocoder] = [false, true].map(|vocoder| weights(&missing(&error, vocoder)));
    put(&acoustic, &vocoder);
    let (loaded, times) = check(folder.path());
    let [acoustic, vocoder] = loaded.unwrap().parameters();
    assert!(
        acoustic > 12_000_000 && vocoder > 4_800_000,
        "{acoustic} {vocoder}"
    );
    println!(
        "full size            {} bytes, {times:.2} times as many at the peak",
        size(folder.path())
    );
    assert!(times < 2.0, "{times}");
}
