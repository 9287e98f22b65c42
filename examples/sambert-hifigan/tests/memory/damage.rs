//! Damaged and hostile voices.

use std::{fs, path::PathBuf};

use super::{check, folder, prepare, root};

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

const AM: &str = "am/ckpt/checkpoint_7100.pth";
const VOC: &str = "voc/ckpt/checkpoint_13978.pth";

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

#[test]
fn hostile_configurations_are_refused_within_the_same_bounds() {
    prepare();
    let fixtures = root().join("tests/fixtures");
    let weights = ["model.safetensors"; 2];
    let voice = folder(
        &fixtures.join("am_plain/seed11"),
        &fixtures.join("hifigan_causal_v1/seed112"),
        weights,
    );
    let intact = fs::read_to_string(voice.path().join("voc/config.yaml")).unwrap();
    // Each line holds the line before ten times: the last would hold a thousand million.
    let mut laughs = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = format!("*l{},", level - 1).repeat(10);
        laughs += &format!("l{level}: &l{level} [{before}]\n");
    }
    let hostile = [
        ("laughs", format!("{laughs}{intact}")),
        ("deep lists", format!("a: {}", "[".repeat(60_000))),
        ("deep maps", format!("a: {}", "{a: ".repeat(15_000))),
        (
            "deep blocks",
            (0..340)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect(),
        ),
        ("long key", format!("{}: 1", "k".repeat(60_000))),
        (
            "many lists",
            format!("resblock_dilations: [{}]", "[],".repeat(15_000)),
        ),
        ("large", " ".repeat(10 << 20)),
    ];
    for (name, text) in hostile {
        for config in ["am/config.yaml", "voc/config.yaml"] {
            let path = voice.path().join(config);
            let before = fs::read(&path).unwrap();
            fs::write(&path, &text).unwrap();
            let (loaded, times) = check(voice.path());
            println!("{name:20} {times:.2} times as many bytes at the peak");
            assert!(loaded.is_err(), "{name}");
            fs::write(&path, before).unwrap();
        }
    }
}
