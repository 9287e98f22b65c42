//! What differs between two files, by the names of the keys: values may be secrets.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Config, ConfigFileError};

impl Config {
    /// Names the keys whose values differ from those of another file, both ways: `limits[0].rate`,
    /// `server.hosts`. Values are not told, since an address may hold a password.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<String> {
        let (one, other) = (self.values(), other.values());
        let differs = |key: &&String| one.get(*key) != other.get(*key);
        let mut keys: Vec<String> = one
            .keys()
            .chain(other.keys())
            .filter(differs)
            .cloned()
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Refuses what a running server cannot take from a new file.
    ///
    /// # Errors
    /// One of these sections or keys differs from the running file; names it, with its line.
    pub fn refuse_changes(&self, running: &Self, fixed: &[&[&str]]) -> Result<(), ConfigFileError> {
        let changes = self.changes(running);
        for path in fixed {
            let name = path.join(".");
            let is_within = |change: &&String| {
                let rest = change.strip_prefix(&name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            if changes.iter().any(|change| is_within(&change)) {
                let problem = "this cannot change while the server runs";
                return Err(self.source.changed(
                    path,
                    problem,
                    "restart the server, or put it back",
                ));
            }
        }
        Ok(())
    }

    fn values(&self) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        // It was read before, so it is TOML.
        let table: Table = self.source.document().unwrap_or_default();
        for (name, value) in table {
            flatten(name, value, &mut values);
        }
        values
    }
}

fn flatten(path: String, value: Value, values: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                flatten(format!("{path}.{name}"), value, values);
            }
        }
        Value::Array(array) if array.iter().any(Value::is_table) => {
            for (place, value) in array.into_iter().enumerate() {
                flatten(format!("{path}[{place}]"), value, values);
            }
        }
        value => {
            values.insert(path, value);
        }
    }
}
