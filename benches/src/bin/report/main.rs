//! Runs all benches and writes what they found: `cargo run -p benches --bin report [-- --no-run] [--no-load]`.
//!
//! Writes `docs/src/benchmarks.md` with its pictures, and the table in README between two comments.
//! `--no-run` writes from the results of an earlier run. `--no-load` leaves out the servers under load.
#![allow(clippy::print_stdout)]

mod machine;
mod page;
mod picture;
mod readme;
mod results;
mod run;

use std::{error::Error, fs, path::Path};

use crate::results::Results;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    let project = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("no project around benches")?;
    let target = run::target_folder(project)?;
    if !asked("--no-run") {
        run::benches(project, &target)?;
        if !asked("--no-load") {
            run::load(project, &target)?;
        }
    }
    let results = Results::read(&target)?;
    let folder = project.join("docs/src");
    fs::write(
        folder.join("benchmarks.md"),
        page::write(project, &results)?,
    )?;
    for (name, picture) in picture::all(&results) {
        fs::write(folder.join(name), picture)?;
    }
    readme::update(&project.join("README.md"), &results)?;
    println!("written: docs/src/benchmarks.md, its pictures, and the table in README.md");
    Ok(())
}
