//! The command.

use std::process::{Command, Output};

fn sambert(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sambert"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn speak_writes_a_wav_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.wav");
    let path = file.to_str().unwrap();
    let output = sambert(&[
        "speak",
        "你好。",
        "-o",
        path,
        "--emotion",
        "happy",
        "--speed",
        "1.5",
    ]);
    assert!(output.status.success(), "{output:?}");
    let wav = std::fs::read(file).unwrap();
    assert_eq!(&wav[..4], b"RIFF");
    assert_eq!(
        u32::from_le_bytes(wav[40..44].try_into().unwrap()) as usize,
        wav.len() - 44
    );
    assert!(wav.len() > 10_000);
}

#[test]
fn pinyin_shows_the_reading_and_inspect_the_voice() {
    assert_eq!(
        String::from_utf8_lossy(&sambert(&["pinyin", "你好"]).stdout),
        "ni2 hao3.\n"
    );
    let shown = sambert(&["inspect"]).stdout;
    assert!(String::from_utf8_lossy(&shown).contains("neutral happy angry sad fear hate surprise"));
}

#[test]
fn what_cannot_be_said_is_told_and_fails() {
    let output = sambert(&["speak", "こんにちは", "-o", "never.wav"]);
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("cannot speak \"こ\""),
        "{output:?}"
    );
    assert!(!std::path::Path::new("never.wav").exists());
    assert!(
        !sambert(&["speak", "你好", "-o", "never.wav", "--speed", "7"])
            .status
            .success()
    );
    assert!(!sambert(&["inspect", "/nowhere"]).status.success());
}
