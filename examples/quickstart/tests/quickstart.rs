//! The quickstart as its user tries it: start the program, paste the line that it prints.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_line_that_it_prints_works_and_without_the_key_it_does_not() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("passed over: curl is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    program
        .arg("127.0.0.1:0")
        .arg(folder.path())
        .stdout(Stdio::piped());
    let mut program = Program(program.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();

    let run = |line: &str| {
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("{line} -s"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(line.trim()), "The notes of ann: buy bread.\n");
    let (before, after) = line.trim().split_once(" -H '").unwrap();
    let without = format!("{before} {}", after.split_once("' ").unwrap().1);
    assert!(run(&without).contains("\"unauthenticated\""));

    let audit = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap_or_default();
    assert!(!audit.contains("psk_"), "the key is not in the trail");
}
