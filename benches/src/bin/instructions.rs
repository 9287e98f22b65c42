//! Counts the instructions of each hot path under callgrind and compares them with `benches/baseline.toml`.
//!
//! ```console
//! $ cargo run --release -p benches --bin instructions
//! ```
//!
//! It needs `valgrind`, on an x86-64 or ARM machine. It runs itself once under it. Callgrind collects only in
//! the function that sends the measured requests, of the thread that sends them, and writes one file for each
//! path. So neither the start nor the writer of an audit trail is counted. Names of paths as arguments limit
//! the run to these; then nothing is compared.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use benches::{
    baseline::{Baseline, FLOOR},
    hot_paths::{self, HotPath},
};

/// The measured requests of each path: two of each address.
const REQUESTS: usize = 2 * hot_paths::ADDRESSES;

/// The function in which callgrind counts.
const MEASURED: &str = "benches::hot_paths::measured_requests";

/// The argument with which it measures, in a process that callgrind watches.
const MEASURE: &str = "--measure";

fn main() -> ExitCode {
    let names: Vec<String> = env::args().skip(1).collect();
    if let Some((first, names)) = names.split_first()
        && first == MEASURE
    {
        measure(names);
        return ExitCode::SUCCESS;
    }
    let folder = scratch_folder();
    let counted = count(&folder, &names);
    let _ = fs::remove_dir_all(&folder);
    print(&counted);
    if !names.is_empty() {
        return ExitCode::SUCCESS;
    }
    match over_floor(&counted).check_or_update() {
        Ok(()) => ExitCode::SUCCESS,
        Err(differences) => {
            eprintln!("{differences}");
            ExitCode::FAILURE
        }
    }
}

/// A folder of this process alone, for the audit trails and for the files of callgrind.
fn scratch_folder() -> PathBuf {
    let folder = env::temp_dir().join(format!("palisade-instructions-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
}

/// The paths with these names, or all.
fn paths(folder: &Path, names: &[String]) -> Vec<HotPath> {
    let mut paths = hot_paths::all(folder);
    paths.retain(|path| names.is_empty() || names.iter().any(|name| name == path.name));
    paths
}

/// Sends the requests of each path. Runs under callgrind.
fn measure(names: &[String]) {
    let folder = env::current_dir().expect("a folder");
    for mut path in paths(&folder, names) {
        path.warm(REQUESTS);
        path.measure(REQUESTS);
        println!("{}", path.name);
    }
}

/// What callgrind counted on one path, a request.
struct Counted {
    name: String,
    instructions: u64,
    memcpy: u64,
}

/// Runs this program under callgrind and reads its files: one for each path, in their order.
fn count(folder: &Path, names: &[String]) -> Vec<Counted> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--quiet"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--dump-after={MEASURED}"))
        .args(["--callgrind-out-file=callgrind.out"])
        .arg(env::current_exe().expect("the path of this program"))
        .arg(MEASURE)
        .args(names)
        .current_dir(folder)
        .output();
    let output = output.expect("valgrind: install the package `valgrind`");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let names = String::from_utf8(output.stdout).expect("names of paths");
    let counted = names.lines().zip(1..).map(|(name, number)| {
        let file = folder.join(format!("callgrind.out.{number}"));
        if let Some(kept) = env::var_os("KEEP_CALLGRIND") {
            let _ = fs::copy(&file, Path::new(&kept).join(name.replace(' ', "-")));
        }
        let text = fs::read_to_string(file);
        let text =
            text.expect("a file of callgrind: did it find the function `measured_requests`?");
        let (all, memcpy) = costs(&text);
        let requests = u64::try_from(REQUESTS).unwrap_or(1);
        Counted {
            name: name.to_owned(),
            instructions: all / requests,
            memcpy: memcpy / requests,
        }
    });
    counted.collect()
}

/// Adds up the instructions of a file: all, and those of the functions that copy memory.
fn costs(text: &str) -> (u64, u64) {
    let (mut all, mut memcpy) = (0, 0);
    let mut names: HashMap<&str, bool> = HashMap::new();
    let (mut copies, mut after_calls) = (false, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            copies = is_copy(function, &mut names);
        } else if let Some(called) = line.strip_prefix("cfn=") {
            is_copy(called, &mut names);
        } else if line.starts_with("calls=") {
            after_calls = true; // The next line has the cost of what was called.
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost = line.rsplit(' ').next().and_then(|cost| cost.parse().ok());
            if !std::mem::take(&mut after_calls) {
                let cost = cost.unwrap_or(0);
                all += cost;
                memcpy += if copies { cost } else { 0 };
            }
        }
    }
    (all, memcpy)
}

/// Whether a function copies memory. A name is written once, `(12) memcpy`, and later only `(12)`.
fn is_copy<'a>(function: &'a str, names: &mut HashMap<&'a str, bool>) -> bool {
    let (id, name) = function.split_once(' ').unwrap_or((function, ""));
    if !name.is_empty() {
        names.insert(id, name.contains("memcpy") || name.contains("memmove"));
    }
    names.get(id).copied().unwrap_or(false)
}

fn floor_of(counted: &[Counted]) -> (u64, u64) {
    let floor = counted.iter().find(|path| path.name == FLOOR);
    floor.map_or((0, 0), |floor| (floor.instructions, floor.memcpy))
}

fn over_floor(counted: &[Counted]) -> Baseline {
    let (instructions, memcpy) = floor_of(counted);
    let mut over = Baseline::default();
    for path in counted {
        let less = if path.name == FLOOR {
            (0, 0)
        } else {
            (instructions, memcpy)
        };
        let instructions = path.instructions.saturating_sub(less.0);
        over.set(&path.name, "instructions", instructions);
        over.set(&path.name, "memcpy", path.memcpy.saturating_sub(less.1));
    }
    over
}

fn print(counted: &[Counted]) {
    let (instructions, _) = floor_of(counted);
    println!(
        "{:<30} {:>12} {:>12} {:>8}",
        "path", "instructions", "over floor", "memcpy"
    );
    for path in counted {
        let over = path.instructions.saturating_sub(instructions);
        println!(
            "{:<30} {:>12} {:>12} {:>8}",
            path.name, path.instructions, over, path.memcpy
        );
    }
}
