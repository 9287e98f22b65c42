//! What was compared, and how far apart it was.

use std::{collections::BTreeMap, path::Path};

/// How far a tensor may be from the reference.
pub(super) const TOLERANCE: f32 = 1e-4;

/// The worst difference of each tensor name, and how many were compared.
#[derive(Default)]
pub(super) struct Report {
    worst: BTreeMap<String, (f32, usize)>,
    pub(super) cases: usize,
    pub(super) utterances: usize,
}

impl Report {
    /// Compares a tensor.
    pub(super) fn compare(&mut self, at: &Path, name: &str, ours: &[f32], theirs: &[f32]) {
        assert_eq!(
            ours.len(),
            theirs.len(),
            "{}: {name} has another size",
            at.display()
        );
        // Frequencies are in Hz: differences count relative to values above one.
        let off = |(a, b): (&f32, &f32)| (a - b).abs() / b.abs().max(1.0);
        let delta = ours.iter().zip(theirs).map(off).fold(0.0, f32::max);
        assert!(
            delta <= TOLERANCE,
            "{}: {name} is {delta} off",
            at.display()
        );
        let kind = name
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned();
        let entry = self.worst.entry(kind).or_default();
        *entry = (entry.0.max(delta), entry.1 + 1);
    }

    /// Shows the worst difference of each kind.
    pub(super) fn print(&self) {
        for (name, (worst, count)) in &self.worst {
            println!("{name:28} {count:5} compared, worst difference {worst:.2e}");
        }
        println!("{} cases, {} utterances", self.cases, self.utterances);
    }
}
