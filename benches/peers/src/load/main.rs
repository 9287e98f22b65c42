//! Whole servers under load over TLS, side by side in one run: `load [--seconds N] [--out FILE]`.
//!
//! Each serves the same 32 KiB and is driven by `wrk` over 64 connections that stay open: bare axum,
//! this project's server with none, some and all of its layers, nginx as a proxy, and the recipe that
//! most Python services have. Needs `wrk`; what needs nginx or Python is left out where those are absent.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod drive;
mod proxies;
mod python;
mod servers;
mod subject;

use std::{error::Error, fs, path::PathBuf};

use crate::{drive::Load, subject::Subject};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", name, port, folder] => servers::serve(name, port.parse()?, folder.as_ref()),
        _ => run_all(&Options::read(&arguments)?),
    }
}

/// What is asked for on the command line.
struct Options {
    seconds: u32,
    out: Option<PathBuf>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            seconds: 5,
            out: None,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--seconds" => options.seconds = value.parse()?,
                "--out" => options.out = Some(value.into()),
                _ => {
                    return Err(
                        format!("unknown option {word}; there are --seconds and --out").into(),
                    );
                }
            }
        }
        Ok(options)
    }
}

/// Starts one subject after the other, drives it, and prints a row.
fn run_all(options: &Options) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    servers::write_certificate(folder.path())?;
    println!(
        "{:46} {:>10} {:>9} {:>9} {:>8}",
        "", "requests/s", "p50 ms", "p99 ms", "MiB"
    );
    let mut loads: Vec<Load> = Vec::new();
    for subject in Subject::all() {
        let Some(running) = subject.start(folder.path())? else {
            eprintln!("left out: {} ({})", subject.name, subject.needs);
            continue;
        };
        let load = drive::drive(subject.name, &running, options.seconds)?;
        println!("{load}");
        loads.push(load);
    }
    if let Some(out) = &options.out {
        fs::write(out, serde_json::to_string_pretty(&drive::to_json(&loads))?)?;
    }
    Ok(())
}
