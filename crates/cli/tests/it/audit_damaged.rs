//! Commands that read a trail of which one compressed part is damaged.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::Stdio,
};

use palisade_audit::{AuditEvent, AuditLayer, FileSink};

use crate::support::{Folder, Running};

/// A trail of several parts.
struct Trail {
    folder: Folder,
    /// The older parts, oldest first.
    parts: Vec<PathBuf>,
}

impl Trail {
    fn new() -> Self {
        let folder = Folder::new();
        let sink = FileSink::builder(folder.path("audit.jsonl")).rotate_at(4096);
        let layer = AuditLayer::builder().sink(sink.open().unwrap());
        let layer = layer.build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for number in 0..100 {
            layer.record(AuditEvent::new("app.counted").number("number", number));
            if number % 10 == 0 {
                runtime.block_on(layer.handle().flush()).unwrap();
            }
        }
        layer.handle().close_blocking().unwrap();
        let entries = fs::read_dir(folder.path(".")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let is_part = |name: &String| name.starts_with("audit.0") && name.ends_with(".jsonl");
        let mut names: Vec<_> = names.filter(is_part).collect();
        names.sort();
        assert!(names.len() >= 3, "{names:?}");
        let parts = names.iter().map(|name| folder.path(name)).collect();
        Self { folder, parts }
    }

    /// Puts a damaged compressed part in the place of a part. Returns its records, and its name.
    fn damage(&self, part: usize) -> (String, String) {
        let text = fs::read_to_string(&self.parts[part]).unwrap();
        fs::remove_file(&self.parts[part]).unwrap();
        let name = self.parts[part].file_name().unwrap().to_str().unwrap();
        let name = format!("{name}.zst");
        fs::write(self.folder.path(&name), "no frame").unwrap();
        (text, name)
    }
}

#[test]
fn query_and_export_name_a_damaged_part_and_list_the_others() {
    let trail = Trail::new();
    let all = trail.folder.good("audit query audit.jsonl --json");
    let (text, name) = trail.damage(1);
    let ran = trail.folder.run("audit query audit.jsonl --json");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let expected: Vec<_> = all
        .lines()
        .filter(|line| !text.lines().any(|it| it == *line))
        .collect();
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected);
    assert!(
        ran.err
            .contains(&format!("{name}: the compressed part is damaged")),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("error: 1 of the trail's files could not be read"),
        "{}",
        ran.err
    );
    let ran = trail.folder.run("audit export audit.jsonl --format ecs");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(&name), "{}", ran.err);
    let events = |text: &str| text.lines().filter(|it| it.contains("app.counted")).count();
    assert_eq!(events(&ran.out), 100 - events(&text));
}

#[test]
fn a_reader_that_ends_early_learns_of_a_damaged_part_before() {
    let trail = Trail::new();
    let (_, name) = trail.damage(0);
    for line in [
        "audit verify audit.jsonl",
        "audit query audit.jsonl --json",
        "audit query audit.jsonl --last 5",
        "audit export audit.jsonl --format ecs",
        "audit tail audit.jsonl --last 1000",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = trail.folder.command(line);
        let ran = command.stdout(writer).output().unwrap();
        let errors = String::from_utf8_lossy(&ran.stderr);
        // `tail` begins in the latest older part, and does not come to this one.
        let expected = match line.split(' ').nth(1) {
            Some("verify") => (Some(3), false),
            Some("tail") => (Some(0), false),
            _ => (Some(2), true),
        };
        let found = (ran.status.code(), errors.contains(&name));
        assert_eq!(found, expected, "{line}: {errors}");
    }
    let (_, name) = trail.damage(trail.parts.len() - 1);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = trail.folder.command("audit tail audit.jsonl");
    let ran = command.stdout(writer).output().unwrap();
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains(&name));
}

#[test]
fn a_report_names_a_damaged_part_and_counts_the_others() {
    let trail = Trail::new();
    let (_, name) = trail.damage(1);
    let ran = trail
        .folder
        .run("audit report audit.jsonl --output page.html");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains(&name), "{}", ran.err);
    let page = trail.folder.text("page.html");
    let told = page.find("Files that could not be read").unwrap();
    assert!(page[told..].contains(&name), "{page}");
}

#[test]
fn a_proof_is_made_beside_a_damaged_part_and_not_in_it() {
    let trail = Trail::new();
    let (text, name) = trail.damage(1);
    let number = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["seq"].as_u64().unwrap()
    };
    let (first, last) = (
        number(text.lines().next().unwrap()),
        number(text.lines().last().unwrap()),
    );
    let end = trail.folder.text("audit.jsonl");
    let end = number(end.lines().last().unwrap());
    let prove = |record: u64| format!("audit prove audit.jsonl --record {record} --at {end}");
    trail.folder.good(&prove(last + 1));
    for record in [first, last] {
        let error = trail.folder.bad(&prove(record));
        assert!(error.contains(&name), "{error}");
    }
}

#[test]
fn tail_names_a_damaged_part_and_follows_the_file() {
    let trail = Trail::new();
    let (_, name) = trail.damage(trail.parts.len() - 1);
    let mut tail = trail.folder.command("audit tail audit.jsonl --json");
    let piped = tail.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tail = Running(piped.spawn().unwrap());
    let mut errors = BufReader::new(tail.0.stderr.take().unwrap()).lines();
    assert!(errors.next().unwrap().unwrap().contains(&name));
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    let line = lines.find(|line| line.as_ref().unwrap().contains("\"closed\""));
    assert!(line.is_some());
}
