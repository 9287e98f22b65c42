//! The committed cost of each hot path: `benches/baseline.toml`.
//!
//! ```toml
//! ["client address"]
//! instructions = 700
//! memcpy = 100
//! ```
//!
//! The numbers are those of one request, less those of the bare service (`floor`), which has its own whole
//! ones. With `UPDATE_BASELINE=1` the checks write what they count in place of comparing it, here and into the
//! table of the book.

mod page;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

/// What one request costs on one path, by the name of the count.
pub type Costs = BTreeMap<String, u64>;

/// The path that the others are compared with.
pub const FLOOR: &str = "floor";

/// How much more than the baseline a check accepts, in percent.
const TOLERANCE: u64 = 5;

/// Every path with its costs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Baseline(BTreeMap<String, Costs>);

impl Baseline {
    /// Reads `benches/baseline.toml`.
    ///
    /// # Panics
    ///
    /// When the file is not there or is not a table of tables of numbers.
    #[must_use]
    pub fn read() -> Self {
        let text = std::fs::read_to_string(file()).expect("benches/baseline.toml");
        Self(toml::from_str(&text).expect("a table of tables of numbers"))
    }

    /// Returns the costs of a path.
    #[must_use]
    pub fn costs(&self, path: &str) -> Option<&Costs> {
        self.0.get(path)
    }

    /// Sets one count of a path. For a path other than the floor, set what is over the floor.
    pub fn set(&mut self, path: &str, count: &str, value: u64) {
        let costs = self.0.entry(path.to_owned()).or_default();
        costs.insert(count.to_owned(), value);
    }

    /// Compares counted costs with this baseline: each line names a path that is dearer than its tolerance, or
    /// that only one of the two has. Counts that `counted` lacks are not compared.
    #[must_use]
    pub fn differences(&self, counted: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, costs) in &counted.0 {
            for (count, found) in costs {
                let known = self.costs(path).and_then(|costs| costs.get(count));
                match known {
                    None => lines.push(format!("{path}: {count} is not in the baseline")),
                    Some(known) if *found > most(*known, count) => {
                        lines.push(format!("{path}: {found} {count}, the baseline is {known}"));
                    }
                    Some(_) => {}
                }
            }
        }
        let gone = self.0.keys().filter(|path| !counted.0.contains_key(*path));
        lines.extend(gone.map(|path| format!("{path}: in the baseline, but not counted")));
        lines
    }

    /// Compares with the file, or with `UPDATE_BASELINE=1` writes the counts of this into it.
    ///
    /// # Errors
    ///
    /// The differences, one a line, and how to accept them.
    ///
    /// # Panics
    ///
    /// When the file cannot be read or written.
    pub fn check_or_update(self) -> Result<(), String> {
        if std::env::var_os("UPDATE_BASELINE").is_some_and(|value| value == "1") {
            self.update();
            return Ok(());
        }
        let lines = Self::read().differences(&self);
        if lines.is_empty() {
            return Ok(());
        }
        let lines = lines.join("\n");
        Err(format!(
            "dearer than `benches/baseline.toml` allows:\n{lines}\nIf that is meant, set UPDATE_BASELINE=1 and run this again."
        ))
    }

    /// Writes the counts of this into the file. Counts of the file that this lacks stay; paths that it lacks go.
    fn update(self) {
        let mut updated = match file().exists() {
            true => Self::read(),
            false => Self::default(),
        };
        updated.0.retain(|path, _| self.0.contains_key(path));
        for (path, costs) in self.0 {
            for (count, value) in costs {
                updated.set(&path, &count, value);
            }
        }
        std::fs::write(file(), updated.to_toml()).expect("benches/baseline.toml");
        updated.write_to_book();
    }

    fn to_toml(&self) -> String {
        let mut text =
            "# What one request costs, less what the bare service costs. Written by the checks:\n\
            # UPDATE_BASELINE=1 .ci/baseline\n"
                .to_owned();
        for (path, costs) in &self.0 {
            let _ = writeln!(text, "\n[{path:?}]");
            for (count, value) in costs {
                let _ = writeln!(text, "{count} = {value}");
            }
        }
        text
    }
}

/// The largest accepted value. Allocations are exact; few instructions may be more by a few.
fn most(known: u64, count: &str) -> u64 {
    match count {
        "allocations" => known,
        _ => known + (known * TOLERANCE).div_ceil(100).max(20),
    }
}

fn file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(count: &str, value: u64) -> Baseline {
        let mut baseline = Baseline::default();
        baseline.set("stack", count, value);
        baseline
    }

    #[test]
    fn five_percent_more_instructions_pass_and_six_do_not() {
        let baseline = with("instructions", 10_000);
        assert!(
            baseline
                .differences(&with("instructions", 10_500))
                .is_empty()
        );
        assert_eq!(baseline.differences(&with("instructions", 10_600)).len(), 1);
    }

    #[test]
    fn one_more_allocation_does_not_pass() {
        let baseline = with("allocations", 4);
        assert!(baseline.differences(&with("allocations", 4)).is_empty());
        assert_eq!(baseline.differences(&with("allocations", 5)).len(), 1);
    }

    #[test]
    fn a_path_that_only_one_of_the_two_has_is_a_difference() {
        let baseline = with("allocations", 4);
        assert_eq!(baseline.differences(&Baseline::default()).len(), 1);
        assert_eq!(Baseline::default().differences(&baseline).len(), 1);
    }
}
