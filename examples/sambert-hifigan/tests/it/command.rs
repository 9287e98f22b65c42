//! The command.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use sambert_hifigan::{StopSignal, Style, Voice};

fn sambert(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sambert"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The demo voice as a folder.
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/voice");

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
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
    let wav = fs::read(file).unwrap();
    assert_eq!(&wav[..4], b"RIFF");
    assert_eq!(
        u32::from_le_bytes(wav[40..44].try_into().unwrap()) as usize,
        wav.len() - 44
    );
    assert!(wav.len() > 10_000);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_dash_streams_the_same_sound_to_the_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.wav");
    let ssml = "<speak>你好。<break time=\"200ms\"/>再见。</speak>";
    assert!(
        sambert(&["speak", ssml, "--ssml", "-o", file.to_str().unwrap()])
            .status
            .success()
    );
    let streamed = sambert(&["speak", ssml, "--ssml", "-o", "-"]).stdout;
    assert_eq!(streamed[44..], fs::read(file).unwrap()[44..]);
    // The length was not known when the header was written.
    assert_eq!(streamed[40..44], [0xff; 4]);
}

#[test]
fn markup_is_read_and_its_mistakes_are_told_with_their_place() {
    let marked = |document| sambert(&["pinyin", "--ssml", document]);
    let read = marked(r#"<speak>他姓<phoneme ph="qiu2">仇</phoneme></speak>"#);
    assert_eq!(String::from_utf8_lossy(&read.stdout), "ta1 xing4 qiu2.\n");
    let refused = marked("<speak><pause/></speak>");
    assert!(!refused.status.success());
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        message.starts_with("sambert: line 1, column 8: there is no element \"pause\""),
        "{message}"
    );
}

#[test]
fn pinyin_shows_the_reading() {
    assert_eq!(
        String::from_utf8_lossy(&sambert(&["pinyin", "你好"]).stdout),
        "ni2 hao3.\n"
    );
}

#[test]
fn inspect_shows_what_an_operator_wants_to_know() {
    let shown = sambert(&["inspect"]).stdout;
    let shown = String::from_utf8_lossy(&shown);
    for line in [
        "voice               demo",
        "samples per second  16000",
        "emotions            neutral happy angry sad fear hate surprise",
        "layout              built in",
        "acoustic model      voice/am/ckpt (f16)",
        "acoustic flags      NSF",
        "samples per frame   200",
    ] {
        assert!(shown.contains(line), "{line} not in\n{shown}");
    }
}

#[test]
fn inspect_names_every_problem_on_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "am/config.yaml",
        "am/mvn.npy",
        "am/ckpt/checkpoint_7100.pth",
        "voc/config.yaml",
    ] {
        let target = folder.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(Path::new(DEMO).join(file), target).unwrap();
    }
    // The acoustic model where the vocoder should be.
    fs::create_dir(folder.path().join("voc/ckpt")).unwrap();
    fs::copy(
        folder.path().join("am/ckpt/checkpoint_7100.pth"),
        folder.path().join("voc/ckpt/checkpoint_1.pth"),
    )
    .unwrap();
    let output = sambert(&["inspect", folder.path().to_str().unwrap()]);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.lines().count() > 60, "{message}");
    assert!(
        message.contains("\n  missing tensor conv_pre.conv1d.weight [128, 80, 7]\n"),
        "{message}"
    );
}

#[test]
fn a_converted_voice_speaks_as_the_folder_it_was_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.safetensors");
    let output = sambert(&["convert", DEMO, file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let (one, other) = (
        Voice::load(Path::new(DEMO)).unwrap(),
        Voice::load(&file).unwrap(),
    );
    assert_eq!(one.name(), other.name());
    assert_eq!(one.emotions(), other.emotions());
    let speak = |voice: &Voice| {
        let plan = voice.plan("今天天气很好。", &Style::default()).unwrap();
        let speech = voice.speak(&plan, &StopSignal::new());
        speech.map(Result::unwrap).collect::<Vec<_>>().concat()
    };
    assert_eq!(speak(&one), speak(&other));

    let spoken = folder.path().join("a.wav");
    let output = sambert(&[
        "speak",
        "你好",
        "-o",
        spoken.to_str().unwrap(),
        "--voice",
        file.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_run_that_fails_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("never.wav");
    let wav = wav.to_str().unwrap();
    let output = sambert(&["speak", "こんにちは", "-o", wav]);
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("cannot speak \"こ\""),
        "{output:?}"
    );
    for arguments in [
        ["speak", "你好", "-o", wav, "--speed", "7"],
        ["speak", "你好", "-o", wav, "--voice", "/nowhere"],
        ["speak", "你好", "-o", wav, "--speaker", "nobody"],
        ["speak", "<p>你好", "-o", wav, "--ssml", "--seed=1"],
    ] {
        assert!(!sambert(&arguments).status.success());
    }
    let file = folder.path().join("never.safetensors");
    assert!(
        !sambert(&["convert", "/nowhere", file.to_str().unwrap()])
            .status
            .success()
    );
    assert!(is_empty(folder.path()));
    // What exists and is not a file, a folder or a device, stays what it is.
    let output = sambert(&["speak", "你好", "-o", folder.path().to_str().unwrap()]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("exists and is not a file"),
        "{output:?}"
    );
    assert!(is_empty(folder.path()));
    assert!(!sambert(&["inspect", "/nowhere"]).status.success());
    assert!(
        !sambert(&["speak", "你好", "-o", "/nowhere/a.wav"])
            .status
            .success()
    );
}

#[test]
fn pinyin_prints_what_the_readme_shows() {
    let readme = include_str!("../../README.md");
    let (_, shown) = readme.split_once("-- pinyin '").unwrap();
    let (text, shown) = shown.split_once("'\n").unwrap();
    let output = sambert(&["pinyin", text]);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().next(), shown.lines().next());
}
