//! `palisade audit verify` on trails with compressed parts, whole, alone, piped and damaged.

use std::fs;

use palisade_audit::{AuditLayer, FileSink, LowSpaceAction};

use crate::{audit::write, support::Folder};

/// Writes a trail with one part at least that is compressed, and returns the name of the first.
fn compressed_trail(folder: &Folder) -> String {
    // However little space the machine has.
    let builder = || {
        FileSink::builder(folder.path("audit.jsonl"))
            .rotate_at(4096)
            .low_space(LowSpaceAction::Warn, 0)
            .low_space(LowSpaceAction::CountRefusals, 0)
    };
    for _ in 0..5 {
        write(builder());
    }
    let part = || {
        let names = fs::read_dir(folder.path("")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut parts: Vec<_> = names.filter(|name| name.ends_with(".jsonl.zst")).collect();
        parts.sort();
        parts.into_iter().next()
    };
    let sink = builder().compress_parts().open().unwrap();
    let name = loop {
        match part() {
            Some(name) => break name,
            None => std::thread::yield_now(),
        }
    };
    // `verify` is to read a trail that no one writes any more.
    let layer = AuditLayer::builder().sink(sink).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(layer.handle().close()).unwrap();
    name
}

#[test]
fn compressed_parts_are_verified_with_the_trail_alone_and_from_a_pipe() {
    let folder = Folder::new();
    let part = compressed_trail(&folder);
    let whole = folder.good("audit verify audit.jsonl");
    assert!(whole.contains("intact: "), "{whole}");
    let alone = folder.good(&format!("audit verify {part}"));
    assert!(alone.contains("intact: ") && alone.contains("in 1 files, from record 1"));
    let bytes = fs::read(folder.path(&part)).unwrap();
    let piped = folder.run_with_input("audit verify -", &bytes);
    assert_eq!((piped.code, piped.out.trim_end()), (Some(0), &*alone));
    let cut = folder.run_with_input("audit verify -", &bytes[..bytes.len() / 2]);
    assert_ne!(cut.code, Some(0), "{}", cut.out);
    let plain = fs::read(folder.path("audit.jsonl")).unwrap();
    let piped = folder.run_with_input("audit verify -", &plain);
    assert_eq!(piped.code, Some(3), "it begins later: {}", piped.out);
}

#[test]
fn a_damaged_part_is_an_incident_that_names_its_file_and_its_records() {
    let folder = Folder::new();
    let part = compressed_trail(&folder);
    let bytes = fs::read(folder.path(&part)).unwrap();
    fs::write(folder.path(&part), &bytes[..bytes.len() / 2]).unwrap();
    let ran = folder.run("audit verify audit.jsonl");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let line = ran.out.lines().next().unwrap();
    assert!(
        line.starts_with(&format!("incident: {part}: line ")),
        "{line}"
    );
    assert!(line.contains("damaged from here: records "), "{line}");
    // What is no damage names the file too.
    fs::remove_file(folder.path(&part)).unwrap();
    fs::create_dir(folder.path(&part)).unwrap();
    let problem = folder.bad("audit verify audit.jsonl");
    assert!(problem.contains(&part), "{problem}");
}
