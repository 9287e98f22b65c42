//! Drives a server with `wrk`, and reads what it says and what memory the server's processes hold.

use std::{collections::BTreeMap, fmt, fs, process::Command};

use serde_json::{Value, json};

use crate::{
    Failure,
    subject::{KEY_HEADER, Running},
};

/// What one server did.
pub(crate) struct Load {
    name: &'static str,
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    memory_mib: f64,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            requests_per_second,
            p50_ms,
            p99_ms,
            memory_mib,
        } = self;
        write!(
            f,
            "{name:46} {requests_per_second:>10.0} {p50_ms:>9.2} {p99_ms:>9.2} {memory_mib:>8.1}"
        )
    }
}

/// All results in the form that the report reads.
pub(crate) fn to_json(loads: &[Load]) -> Value {
    let row = |load: &Load| {
        json!({
            "name": load.name,
            "requests_per_second": load.requests_per_second,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
            "memory_mib": load.memory_mib,
        })
    };
    Value::Array(loads.iter().map(row).collect())
}

/// Warms the server for a second, then drives it for so many.
pub(crate) fn drive(name: &'static str, server: &Running, seconds: u32) -> Result<Load, Failure> {
    wrk(server, 1)?;
    let said = wrk(server, seconds)?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("{name} did not answer every request with success:\n{said}").into());
    }
    let number = |label: &str| {
        let line = said
            .lines()
            .find(|line| line.trim_start().starts_with(label));
        line.and_then(|line| line.split_whitespace().nth(1))
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Load {
        name,
        requests_per_second: number("Requests/sec:").parse()?,
        p50_ms: milliseconds(&number("50%"))?,
        p99_ms: milliseconds(&number("99%"))?,
        memory_mib: memory(server)?,
    })
}

fn wrk(server: &Running, seconds: u32) -> Result<String, Failure> {
    let output = Command::new("wrk")
        .args(["--threads", "2", "--connections", "64", "--latency"])
        .args(["--duration", &format!("{seconds}s")])
        .args(["--header", &format!("{KEY_HEADER}: {}", server.key)])
        .args(["--header", "Host: voice.example"])
        .arg(&server.url)
        .output()
        .map_err(|problem| format!("wrk cannot be run (apt-get install wrk): {problem}"))?;
    Ok(String::from_utf8(output.stdout)?)
}

/// A time as `wrk` writes it: `812.00us`, `1.24ms`, `1.02s`.
fn milliseconds(text: &str) -> Result<f64, Failure> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number: f64 = digits.parse().map_err(|_| format!("no time: {text:?}"))?;
    match &text[digits.len()..] {
        "us" => Ok(number / 1000.0),
        "ms" => Ok(number),
        "s" => Ok(number * 1000.0),
        unit => Err(format!("a time in {unit:?}").into()),
    }
}

/// The resident memory of all processes of the server and of their children, in MiB.
fn memory(server: &Running) -> Result<f64, Failure> {
    let parents = parents()?;
    let roots: Vec<u32> = server
        .processes
        .iter()
        .map(std::process::Child::id)
        .collect();
    let belongs = |mut process: u32| loop {
        if roots.contains(&process) {
            return true;
        }
        match parents.get(&process) {
            Some(parent) if *parent != process => process = *parent,
            _ => return false,
        }
    };
    let kibibytes: u64 = parents
        .keys()
        .filter(|id| belongs(**id))
        .map(|id| resident(*id))
        .sum();
    Ok(kibibytes as f64 / 1024.0)
}

/// Each process of the system and its parent.
fn parents() -> Result<BTreeMap<u32, u32>, Failure> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let status = status_value(id, "PPid:");
        parents.insert(id, u32::try_from(status).unwrap_or_default());
    }
    Ok(parents)
}

/// Resident memory in KiB; none for a process that has ended.
fn resident(process: u32) -> u64 {
    status_value(process, "VmRSS:")
}

fn status_value(process: u32, label: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
