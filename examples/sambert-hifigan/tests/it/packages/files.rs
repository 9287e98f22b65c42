//! Voices in one file.
#![allow(
    clippy::print_stdout,
    reason = "the test tells how far apart the precisions are"
)]

use std::path::Path;

use sambert_hifigan::{StopSignal, Style, Voice};

use super::write;

#[test]
fn half_precision_speaks_as_long_as_single() {
    // The demo voice as it was trained; the one that ships is already in half precision.
    let single = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/voice2");
    if !single.is_dir() {
        println!("the demo voice in single precision is not there: skipped");
        return;
    }
    let mut file = Vec::new();
    sambert_hifigan::convert(&single, &mut file, true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    write(&path, &file);
    let [single, half] = [single, path].map(|path| Voice::load(&path).unwrap());
    assert_eq!(single.parameters(), half.parameters());
    for text in [
        "今天天气很好，我们去公园玩吧。",
        "你吃饭了吗？",
        "二零二四年十一月，一共三百五十块钱。",
    ] {
        let plan = single.plan(text, &Style::default()).unwrap();
        let [one, other] = [&single, &half].map(|voice| {
            let speech = voice.speak(&plan, &StopSignal::new());
            speech.map(Result::unwrap).collect::<Vec<_>>().concat()
        });
        // As many samples, so as many frames. A frequency that differs by 0.01 Hz adds up in the phase.
        assert_eq!(one.len(), other.len(), "{text}");
        let level = |samples: &[f32]| {
            (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt()
        };
        let apart: Vec<_> = one.iter().zip(&other).map(|(a, b)| a - b).collect();
        println!(
            "{text} level {:.4}, difference {:.5}",
            level(&one),
            level(&apart)
        );
        assert!((level(&one) / level(&other) - 1.0).abs() < 0.01, "{text}");
    }
}
