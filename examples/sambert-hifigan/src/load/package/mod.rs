//! Finds the files of voices in a directory.
//!
//! Packages came in several layouts; each has a file here, and all end in [`VoiceFiles`].

mod checkpoint;
mod folder;
mod layout;
mod modelscope;
mod read;
mod training;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

pub(crate) use self::{
    layout::Layout,
    read::{Text, read_bytes, read_optional, read_text, shown},
};
use super::LoadError;

/// Where everything a voice consists of lies.
#[derive(Clone, Debug)]
pub(crate) struct VoiceFiles {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    /// `voice.json`, which most packages do not have.
    pub(crate) voice_metadata: PathBuf,
    pub(crate) acoustic: ModelFiles,
    pub(crate) vocoder: ModelFiles,
    /// The normalization of the fundamental frequency.
    pub(crate) mvn: PathBuf,
    /// The speaker's embedding; the first that is there counts.
    pub(crate) se: Vec<PathBuf>,
    /// The folder with `sy_dict.txt` and its siblings.
    pub(crate) dictionaries: PathBuf,
    /// `audio_config.yaml`, which only older packages need.
    pub(crate) audio: PathBuf,
    /// What the package says of its voices.
    pub(crate) claims: Claims,
    /// What an operator should know.
    pub(crate) warnings: Vec<String>,
}

/// What `configuration.json` says of all voices in a package.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claims {
    pub(crate) sample_rate: Option<u32>,
    pub(crate) has_mask: Option<bool>,
}

/// A configuration and a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct ModelFiles {
    pub(crate) config: Text,
    pub(crate) checkpoint: PathBuf,
}

/// A voice that was found.
#[derive(Clone, Debug)]
pub(crate) enum FoundVoice {
    /// A voice in one file, as `sambert convert` writes it.
    File(PathBuf),
    Folder(Box<VoiceFiles>),
}

impl fmt::Display for FoundVoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Folder(files) => files.acoustic.checkpoint.display().fmt(f),
        }
    }
}

/// Finds the voices of a package, or the one whose folder or file this is. The first is the default.
///
/// # Errors
///
/// One that names the directory when no known layout fits.
pub(crate) fn find_voices(path: &Path) -> Result<Vec<FoundVoice>, LoadError> {
    if path.is_file() {
        return Ok(vec![FoundVoice::File(path.to_owned())]);
    }
    let layouts = [modelscope::find, folder::find, training::find];
    for find in layouts {
        let found = find(path)?;
        if !found.is_empty() {
            let folders = found
                .into_iter()
                .map(|files| FoundVoice::Folder(Box::new(files)));
            return Ok(folders.collect());
        }
    }
    let problem = "neither voices/voices.json nor the folders of one voice (am and voc, or sambert and hifigan), \
                   nor folders with a config.yaml and a ckpt each";
    Err(LoadError::new(shown(path), problem))
}

/// Finds the voices of all packages, folders and files in a directory, or of the package that it is.
///
/// # Errors
///
/// When there is none, or one that looks like a voice is not complete.
pub(crate) fn find_all_voices(directory: &Path) -> Result<Vec<FoundVoice>, LoadError> {
    let alone = match find_voices(directory) {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let mut found = Vec::new();
    for path in entries(directory) {
        if is_voice_file(&path) || path.is_dir() && looks_like_a_voice(&path) {
            found.extend(find_voices(&path)?);
        }
    }
    // Nothing inside: then what is wrong with the directory itself counts.
    if found.is_empty() {
        Err(alone)
    } else {
        Ok(found)
    }
}

fn is_voice_file(path: &Path) -> bool {
    path.is_file()
        && path
            .extension()
            .is_some_and(|extension| extension == "safetensors")
}

/// Tells a folder that should hold a voice from any other, such as one with recordings.
fn looks_like_a_voice(folder: &Path) -> bool {
    let marks = [
        "voices",
        "configuration.json",
        "am",
        "sambert",
        "basemodel_16k",
    ];
    marks.iter().any(|mark| folder.join(mark).exists()) || !training::stages(folder).is_empty()
}

/// Returns what lies in a directory, in the order of names.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

/// Returns the last part of a path.
fn name_of(path: &Path) -> String {
    let absolute = path.canonicalize();
    let name = absolute.as_deref().unwrap_or(path).file_name();
    name.map_or_else(
        || "voice".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
