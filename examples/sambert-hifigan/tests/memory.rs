//! What loading takes: never more than four times the files, whether they are intact or not.
//!
//! A binary of its own, because it counts every allocation.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use allocation_counter::measure;
use sambert_hifigan::{LoadError, Voice};

/// Buffers, texts and lists, which even an empty file needs.
const FLOOR: u64 = 1 << 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the size of all files of a voice, but for what only tests read.
fn size(path: &Path) -> u64 {
    if path.is_file() {
        let is_test = path.to_string_lossy().contains("expected");
        return if is_test {
            0
        } else {
            path.metadata().unwrap().len()
        };
    }
    fs::read_dir(path)
        .unwrap()
        .map(|entry| size(&entry.unwrap().path()))
        .sum()
}

/// Loads a voice and checks what that took at its peak.
fn check(voice: &Path) -> (Result<Voice, LoadError>, f64) {
    let mut loaded = None;
    let peak = measure(|| loaded = Some(Voice::load(voice))).bytes_max;
    let size = size(voice);
    assert!(
        peak <= 4 * size + FLOOR,
        "{}: {size} bytes took {peak}",
        voice.display()
    );
    (loaded.unwrap(), peak as f64 / size as f64)
}

/// The dictionary of words is everyone's and loaded once; it is no part of a voice.
fn prepare() {
    Voice::demo().unwrap();
}

/// A voice folder of one acoustic model and one vocoder.
fn folder(acoustic: &Path, vocoder: &Path, checkpoints: [&str; 2]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for ((model, from), checkpoint) in [("am", acoustic), ("voc", vocoder)]
        .into_iter()
        .zip(checkpoints)
    {
        let to = folder.path().join(model);
        fs::create_dir_all(to.join("ckpt")).unwrap();
        fs::copy(from.join("config.yaml"), to.join("config.yaml")).unwrap();
        for array in ["mvn.npy", "se.npy"] {
            if from.join(array).is_file() {
                fs::copy(from.join(array), to.join(array)).unwrap();
            }
        }
        let extension = checkpoint.rsplit('.').next().unwrap();
        let target = to.join(format!("ckpt/checkpoint_1.{extension}"));
        fs::copy(from.join(checkpoint), target).unwrap();
    }
    folder
}

#[test]
fn whole_voices_load_within_four_times_their_files() {
    prepare();
    let fixtures = root().join("tests/fixtures");
    let weights = ["model.safetensors"; 2];
    let mut voices = vec![folder(
        &fixtures.join("am_plain/seed11"),
        &fixtures.join("hifigan_causal_v1/seed112"),
        weights,
    )];
    let mut paths = vec![root().join("voice")];
    let more = root().join("../../../shared/tts/fixtures");
    if more.is_dir() {
        // Checkpoints as a training run leaves them, one with the state of its optimizer.
        let [am, voc] = [
            more.join("am_plain/seed11"),
            more.join("hifigan_noncausal_v1"),
        ];
        let voc = fs::read_dir(voc)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .min()
            .unwrap();
        let newest = |folder: &Path| -> Option<String> {
            let names = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with("checkpoint")).max()
        };
        let [one, other] = [newest(&am), newest(&voc)].map(Option::unwrap);
        voices.push(folder(&am, &voc, [&one, &other]));
        paths.extend(
            ["tiny_plain_emo", "tiny_nsf_emo"]
                .map(|name| more.join("modelscope_dir/voices").join(name)),
        );
    }
    paths.extend(voices.iter().map(|folder| folder.path().to_owned()));
    // And the demo voice in one file, in either precision.
    let files = tempfile::tempdir().unwrap();
    for half in [false, true] {
        let mut content = Vec::new();
        sambert_hifigan::convert(&root().join("voice"), &mut content, half).unwrap();
        let path = files.path().join(format!("{half}.safetensors"));
        fs::write(&path, content).unwrap();
        paths.push(path);
    }
    for path in &paths {
        let (loaded, times) = check(path);
        let voice = loaded.unwrap();
        println!(
            "{:20} {:8} bytes, {times:.2} times as many at the peak",
            voice.name(),
            size(path)
        );
    }
}

/// Damages one checkpoint of the demo voice in many ways, and checks each.
fn damage(checkpoint: &str, seed: u64) {
    prepare();
    let copy = tempfile::tempdir().unwrap();
    for file in ["am/config.yaml", "am/mvn.npy", "voc/config.yaml", AM, VOC] {
        let target = copy.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root().join("voice").join(file), target).unwrap();
    }
    let intact = fs::read(root().join("voice").join(checkpoint)).unwrap();
    let target = copy.path().join(checkpoint);
    let mut state = seed;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for turn in 0..60 {
        let mut content = intact.clone();
        match turn % 3 {
            // Cut anywhere, but mostly near an end, where the descriptions are.
            0 => content.truncate(if turn % 2 == 0 {
                next(intact.len())
            } else {
                intact.len() - next(4000)
            }),
            1 => (0..3).for_each(|_| content[next(60_000)] ^= 1 << next(8)),
            _ => (0..3).for_each(|_| content[intact.len() - 1 - next(40_000)] = next(256) as u8),
        }
        fs::write(&target, content).unwrap();
        let _ = check(copy.path());
    }
}

const AM: &str = "am/ckpt/checkpoint_7732.pth";
const VOC: &str = "voc/ckpt/checkpoint_8932.pth";

#[test]
fn damaged_acoustic_models_load_within_four_times_their_files_or_not_at_all() {
    damage(AM, 3);
}

#[test]
fn damaged_vocoders_load_within_four_times_their_files_or_not_at_all() {
    damage(VOC, 4);
}

#[test]
fn hostile_checkpoints_are_refused_within_four_times_their_files() {
    prepare();
    let hostile: [(&str, Vec<u8>); 6] = [
        (
            "marks",
            [b"\x80\x02".to_vec(), b"(".repeat(4 << 20)].concat(),
        ),
        (
            "dictionaries",
            [b"\x80\x02".to_vec(), b"}".repeat(4 << 20)].concat(),
        ),
        (
            "tuples",
            [b"\x80\x02)".to_vec(), b"\x85".repeat(4 << 20)].concat(),
        ),
        (
            "memory",
            [b"\x80\x04N".to_vec(), b"\x94".repeat(4 << 20)].concat(),
        ),
        ("length", b"\x80\x02X\xff\xff\xff\xff".to_vec()),
        ("header", {
            let names: Vec<_> = (0..18_000)
                .map(|index| {
                    format!(r#""{index}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#)
                })
                .collect();
            let header = format!("{{{}}}", names.join(","));
            [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()
        }),
    ];
    let fixtures = root().join("tests/fixtures");
    let weights = ["model.safetensors"; 2];
    let voice = folder(
        &fixtures.join("am_plain/seed11"),
        &fixtures.join("hifigan_causal_v1/seed112"),
        weights,
    );
    let target: PathBuf = voice.path().join("am/ckpt/checkpoint_1.safetensors");
    for (name, content) in hostile {
        fs::write(&target, content).unwrap();
        let (loaded, times) = check(voice.path());
        println!("{name:20} {times:.2} times as many bytes at the peak");
        assert!(loaded.is_err(), "{name}");
    }
}

#[test]
fn small_tensors_cannot_make_large_layers() {
    prepare();
    // Layers are padded to panels of 32 outputs; one output for thousands of inputs would be 32 times as large.
    let fixtures = root().join("tests/fixtures");
    let weights = ["model.safetensors"; 2];
    let voice = folder(
        &fixtures.join("am_plain/seed11"),
        &fixtures.join("hifigan_causal_v1/seed112"),
        weights,
    );
    let config = voice.path().join("am/config.yaml");
    let text = fs::read_to_string(&config).unwrap();
    let mut changed = text.clone();
    for (key, value) in [
        ("max_len", 16_384),
        ("embedding_dim", 16_384),
        ("decoder_ffn_inner_dim", 1),
    ] {
        let at = changed.find(&format!("{key}: ")).unwrap() + key.len() + 2;
        let end = at + changed[at..].find('\n').unwrap();
        changed.replace_range(at..end, &value.to_string());
    }
    fs::write(&config, changed).unwrap();
    assert!(check(voice.path()).0.is_err());
    fs::write(&config, text).unwrap();

    // So is every phase of an upsampling, and a frame may have many.
    let config = voice.path().join("voc/config.yaml");
    let text = fs::read_to_string(&config).unwrap();
    let scales = "upsample_scales: [10, 5, 2, 2]";
    assert!(text.contains(scales));
    let wide = text
        .replace(scales, "upsample_scales: [512, 2, 2, 2]")
        .replace("[20, 10, 4, 4]", "[512, 10, 4, 4]");
    fs::write(&config, wide).unwrap();
    assert!(check(voice.path()).0.is_err());
}
