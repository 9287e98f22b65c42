//! Which checkpoint counts.

use std::path::{Path, PathBuf};

use super::{entries, shown};
use crate::load::LoadError;

/// Returns the checkpoint with the highest number in a folder, or the file that was named itself.
///
/// # Errors
///
/// When there is none.
pub(super) fn newest(path: &Path) -> Result<PathBuf, LoadError> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let numbered = entries(path).into_iter();
    let newest = numbered
        .filter_map(|path| Some((number(&path)?, path)))
        .max();
    let problem = "no checkpoint_<number>.pth or .safetensors";
    newest
        .map(|(_, path)| path)
        .ok_or_else(|| LoadError::new(shown(path), problem))
}

/// Reads the number in a name. A dash instead of the underscore is left by a training run that crashed.
fn number(path: &Path) -> Option<u64> {
    let extension = path.extension()?.to_str()?;
    let stem = path.file_stem()?.to_str()?.strip_prefix("checkpoint")?;
    let known = ["pth", "safetensors"].contains(&extension) && path.is_file();
    known.then(|| stem.rsplit(['_', '-']).next()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_counts_and_not_the_last_name() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "checkpoint_9.pth",
            "checkpoint_120.pth",
            "checkpoint-70.safetensors",
            "checkpoint_500.pth.tmp",
            "best_999.pth",
            "checkpoint_x.pth",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        std::fs::create_dir(folder.path().join("checkpoint_9999.pth")).unwrap();
        let newest = newest(folder.path()).unwrap();
        assert!(newest.ends_with("checkpoint_120.pth"), "{newest:?}");
    }
}
