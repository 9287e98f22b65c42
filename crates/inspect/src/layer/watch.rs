//! Finds out whether rule files have changed, and reads them again then.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::thread;
use std::time::{Duration, SystemTime};

use super::settings::Settings;
use crate::error::InspectBuildError;
use crate::rules::LoadReport;

/// How many levels below the folder are looked at.
const DEEPEST: usize = 3;

/// How many files are looked at. A set of rules has about a hundred.
const MOST_FILES: usize = 4096;

/// What tells that files have changed: name, length and time of change of each.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Fingerprint(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Fingerprint {
    /// Looks at all files of a folder.
    ///
    /// What cannot be looked at is left out, so its disappearance is a change too.
    pub(super) fn of(folder: &Path) -> Self {
        let mut found = Vec::new();
        collect_files(folder, 0, &mut found);
        found.sort();
        Self(found)
    }
}

/// Adds the files of a folder and of those in it.
fn collect_files(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, u64, Option<SystemTime>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(data) = fs::metadata(&path) else {
            continue;
        };
        if data.is_dir() && depth < DEEPEST {
            collect_files(&path, depth + 1, found);
        } else if data.is_file() && found.len() < MOST_FILES {
            found.push((path, data.len(), data.modified().ok()));
        }
    }
}

/// Starts the thread. It holds no reference, so it ends with the last layer.
pub(super) fn start(
    settings: Weak<Settings>,
    interval: Duration,
    tell: impl Fn(Result<LoadReport, InspectBuildError>) + Send + 'static,
) -> std::io::Result<()> {
    let run = move || {
        loop {
            thread::sleep(interval);
            let Some(settings) = settings.upgrade() else {
                return;
            };
            if let Some(reloaded) = settings.reload_if_changed() {
                tell(reloaded);
            }
        }
    };
    thread::Builder::new()
        .name("palisade-rules".to_owned())
        .spawn(run)
        .map(drop)
}
