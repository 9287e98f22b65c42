//! Compares two configurations, for a reload without a restart.
//!
//! Differences are reported as key paths, never as values: a value may hold a password.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::config::{Config, ConfigFileError};

/// The keys and sections that a running server cannot change: its sockets, and what is open.
const FIXED_KEYS: [&[&str]; 17] = [
    &["audit"],
    &["client", "proxies"],
    &["limit_store"],
    &["redis"],
    &["server", "acme"],
    &["server", "client_auth"],
    &["server", "dangerously_accept_plain_http"],
    &["server", "drain_seconds"],
    &["server", "health"],
    &["server", "health_from"],
    &["server", "http"],
    &["server", "https"],
    &["server", "limits"],
    &["server", "proxy_protocol"],
    &["server", "tls13_only"],
    &["server", "unix_mode"],
    &["session"],
];

impl Config {
    /// Returns the paths of the keys whose values differ, sorted and without duplicates.
    ///
    /// A key that only one of the two files has is listed too. Entries of an array of tables are
    /// numbered from 0: `limits[0].rate`, `server.hosts`. Two spellings of one value are equal.
    /// Values are left out, since an address may hold a password.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let before = Config::parse("[server]\nhosts = ['a.example']")?;
    /// let after = Config::parse("server.hosts = ['a.example']\ntext.max_graphemes = 900")?;
    /// assert_eq!(after.changes(&before), ["text.max_graphemes"]);
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
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

    /// Checks that a new file leaves those keys unchanged that only a restart can change.
    ///
    /// `self` is the new file and `running` the one in use. These cannot change: `[audit]`, `[limit_store]`, `[redis]`,
    /// `[session]`, `client.proxies`, and of `[server]` the addresses, `acme`, `client_auth`, `health`, `limits`,
    /// `proxy_protocol`, `tls13_only`, `dangerously_accept_plain_http` and `drain_seconds`. `fixed` adds those of the application: each entry is the path
    /// of a key or of a section, such as `&["tts", "threads"]`; a section includes all keys in it.
    ///
    /// Call it before [`assemble_with`](Self::assemble_with), so that a refused file has no effect.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let running = Config::parse("server.https = '127.0.0.1:8443'")?;
    /// let new = Config::parse("server.https = '127.0.0.1:9443'")?;
    /// let error = new.refuse_changes(&running, &[]).unwrap_err();
    /// assert!(error.to_string().contains("server.https"), "{error}");
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A listed key or section differs. The error names it, with its line in the new file where it
    /// is there.
    pub fn refuse_changes(&self, running: &Self, fixed: &[&[&str]]) -> Result<(), ConfigFileError> {
        let changes = self.changes(running);
        for path in FIXED_KEYS.iter().chain(fixed) {
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
                    "restart the server, or restore the old value",
                ));
            }
        }
        Ok(())
    }

    /// Returns every value of the file by its path, the sections of the application included.
    fn values(&self) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        // The text was parsed in `Config::new`, so this cannot fail.
        let table: Table = self.source.document().unwrap_or_default();
        for (name, value) in table {
            flatten(name, value, &mut values);
        }
        values
    }
}

/// Adds a value under its path, or the values inside it if it is a table or an array of tables. An empty table
/// is a value: a section without keys has an effect.
///
/// Any other array is one value: a change of one element is a change of the whole list.
fn flatten(path: String, value: Value, values: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) if !table.is_empty() => {
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
