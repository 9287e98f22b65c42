//! Finds the files of a voice in a directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::LoadError;

/// Where everything a voice consists of lies.
#[derive(Clone, Debug)]
pub(crate) struct VoiceFiles {
    pub(crate) name: String,
    /// `voice.json`, which most packages do not have.
    pub(crate) about: PathBuf,
    pub(crate) acoustic: ModelFiles,
    pub(crate) vocoder: ModelFiles,
    /// The folder with `sy_dict.txt` and its siblings.
    pub(crate) dictionaries: PathBuf,
}

/// A configuration and a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct ModelFiles {
    pub(crate) folder: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) checkpoint: PathBuf,
}

#[derive(Deserialize)]
struct Voices {
    voices: Vec<String>,
}

/// Finds the default voice of a package, or the voice whose folder this is.
///
/// # Errors
///
/// One that names the folder when no known layout fits.
pub(crate) fn find_voice(directory: &Path) -> Result<VoiceFiles, LoadError> {
    let list = directory.join("voices/voices.json");
    if list.is_file() {
        let voices: Voices = serde_json::from_str(&read_text(&list)?)
            .map_err(|error| LoadError::new(shown(&list), error.to_string()))?;
        let folders = voices
            .voices
            .iter()
            .map(|name| directory.join("voices").join(name));
        let existing = folders.filter(|folder| folder.is_dir());
        let Some(folder) = existing.into_iter().next() else {
            return Err(LoadError::new(
                shown(&list),
                "none of its voices has a folder",
            ));
        };
        return find_voice(&folder);
    }
    for (acoustic, vocoder) in [
        ("am", "voc"),
        ("sambert", "hifigan"),
        ("basemodel_16k/sambert", "basemodel_16k/hifigan"),
    ] {
        if directory.join(acoustic).is_dir() {
            let name = directory.file_name().map_or_else(
                || "voice".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            );
            return Ok(VoiceFiles {
                name,
                about: directory.join("voice.json"),
                acoustic: model_files(directory.join(acoustic))?,
                vocoder: model_files(directory.join(vocoder))?,
                dictionaries: directory.join("dict"),
            });
        }
    }
    Err(LoadError::new(
        shown(directory),
        "neither voices/voices.json nor the folders of one voice (am and voc)",
    ))
}

fn model_files(folder: PathBuf) -> Result<ModelFiles, LoadError> {
    let config = folder.join("config.yaml");
    let checkpoint = newest_checkpoint(&folder.join("ckpt")).ok_or_else(|| {
        LoadError::new(
            shown(&folder),
            "no ckpt/checkpoint_<number>.pth or .safetensors",
        )
    })?;
    Ok(ModelFiles {
        folder,
        config,
        checkpoint,
    })
}

/// Returns the checkpoint with the highest number.
fn newest_checkpoint(folder: &Path) -> Option<PathBuf> {
    let number = |path: &PathBuf| -> Option<u64> {
        let extension = path.extension()?.to_str()?;
        let stem = path.file_stem()?.to_str()?;
        let known = stem.starts_with("checkpoint") && ["pth", "safetensors"].contains(&extension);
        if known {
            stem.rsplit(['_', '-']).next()?.parse().ok()
        } else {
            None
        }
    };
    let paths = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter_map(|path| Some((number(&path)?, path)))
        .max()
        .map(|(_, path)| path)
}

/// Shows a path in an error.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|error| LoadError::new(shown(path), error.to_string()))
}

/// Reads a binary file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|error| LoadError::new(shown(path), error.to_string()))
}
