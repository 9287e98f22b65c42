//! The folders of KAN-TTS training runs: one of an acoustic model and one of a vocoder, under any names.

use std::path::{Path, PathBuf};

use super::{Layout, VoiceFiles, entries, folder, name_of, read_text, shown};
use crate::load::{LoadError, config::ModelKind};

/// Finds the voices trained in a directory: one for each acoustic model, all with the one vocoder.
pub(super) fn find(directory: &Path) -> Result<Vec<VoiceFiles>, LoadError> {
    let stages = stages(directory);
    let of = |wanted| {
        let matching = stages.iter().filter(move |(kind, _)| *kind == wanted);
        matching.map(|(_, path)| path).collect::<Vec<_>>()
    };
    let (acoustic, vocoders) = (of(ModelKind::Acoustic), of(ModelKind::Vocoder));
    if acoustic.is_empty() {
        return Ok(Vec::new());
    }
    let [vocoder] = vocoders.as_slice() else {
        let names: Vec<_> = vocoders.iter().map(|path| name_of(path)).collect();
        let problem = format!(
            "one folder of a vocoder is needed, and there are {}: {names:?}",
            names.len()
        );
        return Err(LoadError::new(shown(directory), problem));
    };
    let voice = |path: &&PathBuf| {
        let files = folder::stages(directory, path, vocoder, Layout::Training)?;
        let name = match acoustic.len() {
            1 => name_of(directory),
            _ => name_of(path),
        };
        Ok(VoiceFiles { name, ..files })
    };
    acoustic.iter().map(voice).collect()
}

/// Returns the folders below that were trained in, and what was trained there.
pub(super) fn stages(directory: &Path) -> Vec<(ModelKind, PathBuf)> {
    let trained = |path: PathBuf| {
        let config = read_text(&path.join("config.yaml")).ok()?;
        path.join("ckpt").is_dir().then_some(())?;
        Some((ModelKind::of(&config.content)?, path))
    };
    entries(directory).into_iter().filter_map(trained).collect()
}
