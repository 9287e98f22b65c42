//! What the runs left in the target folder, read back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::Failure;

/// All measurements of a run.
pub(crate) struct Results {
    /// For each group its rows, in the order of their names.
    pub(crate) groups: BTreeMap<String, BTreeMap<String, Row>>,
    /// The servers under load; empty where they did not run.
    pub(crate) load: Vec<Load>,
}

/// The least time of one measurement, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    /// With the same request again and again, or for what has one regime only.
    pub(crate) hot: Option<f64>,
    /// With many different requests.
    pub(crate) cold: Option<f64>,
    /// How many bytes one time is for.
    pub(crate) bytes: Option<u64>,
}

impl Row {
    /// The time that tables compare: cold, where it was measured.
    pub(crate) fn time(&self) -> f64 {
        self.cold.or(self.hot).unwrap_or_default()
    }
}

/// One server under load.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) memory_mib: f64,
}

/// What criterion says of a measurement.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
enum Throughput {
    Bytes(u64),
    #[serde(untagged)]
    Other(#[allow(dead_code)] serde_json::Value),
}

/// Times of all samples, each for so many iterations.
#[derive(Deserialize)]
struct Samples {
    iters: Vec<f64>,
    times: Vec<f64>,
}

impl Results {
    /// Reads what the benches left.
    pub(crate) fn read(target: &Path) -> Result<Self, Failure> {
        let mut results = Self {
            groups: BTreeMap::new(),
            load: Vec::new(),
        };
        for folder in measurements(&target.join("criterion"))? {
            results.add(&folder)?;
        }
        if results.groups.is_empty() {
            return Err("no results: run without --no-run first".into());
        }
        if let Ok(load) = fs::read(target.join("load.json")) {
            results.load = serde_json::from_slice(&load)?;
        }
        Ok(results)
    }

    fn add(&mut self, folder: &Path) -> Result<(), Failure> {
        let benchmark: Benchmark =
            serde_json::from_slice(&fs::read(folder.join("benchmark.json"))?)?;
        let samples: Samples = serde_json::from_slice(&fs::read(folder.join("sample.json"))?)?;
        let each = samples
            .times
            .iter()
            .zip(&samples.iters)
            .map(|(time, times)| time / times);
        let least = each.fold(f64::INFINITY, f64::min);
        let group = self.groups.entry(benchmark.group_id).or_default();
        let row = group
            .entry(benchmark.function_id.unwrap_or_default())
            .or_default();
        match benchmark.value_str.as_deref() {
            Some("cold") => row.cold = Some(least),
            _ => row.hot = Some(least),
        }
        if let Some(Throughput::Bytes(bytes)) = benchmark.throughput {
            row.bytes = Some(bytes);
        }
        Ok(())
    }

    /// The time of a row, if it was measured.
    pub(crate) fn time(&self, group: &str, name: &str) -> Option<f64> {
        Some(self.groups.get(group)?.get(name)?.time())
    }

    /// The time of a row over the floor of its group.
    pub(crate) fn over_floor(&self, group: &str, name: &str) -> Option<f64> {
        Some(self.time(group, name)? - self.time(group, "floor")?)
    }
}

/// Every folder named `new` that holds a measurement.
fn measurements(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && path.ends_with("new") && path.join("sample.json").is_file() {
                found.push(path);
            } else if path.is_dir() {
                open.push(path);
            }
        }
    }
    Ok(found)
}
