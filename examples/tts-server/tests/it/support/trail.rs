//! What the server wrote down.

use std::{fs, path::Path};

use palisade::audit::{AuditKey, VerifyOptions, verify_file};
use serde_json::Value;

pub(crate) struct Trail {
    pub(crate) text: String,
    pub(crate) requests: Vec<Value>,
    /// Repeated refusals, which are counted and not listed.
    pub(crate) folded: u64,
}

impl Trail {
    /// Returns how many requests there were.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.requests.len()).unwrap() + self.folded
    }
}

impl Trail {
    /// Reads the trail of a server that has stopped, and checks its chain.
    pub(crate) fn read(data: &Path) -> Self {
        let path = data.join("audit/audit.jsonl");
        let key = AuditKey::from_file(data.join("audit.key")).unwrap();
        let report = verify_file(&path, &VerifyOptions::new().key(key)).unwrap();
        assert!(report.is_intact(), "{report:#?}");
        let text = fs::read_to_string(path).unwrap();
        let requests = requests(&text);
        let folded = report.folded;
        Self {
            text,
            requests,
            folded,
        }
    }
}

/// The records of requests in a trail.
pub(crate) fn requests(text: &str) -> Vec<Value> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|record| record["type"] == "request").collect()
}
