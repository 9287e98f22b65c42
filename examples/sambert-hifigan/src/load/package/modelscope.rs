//! ModelScope packages: `configuration.json` and `voices/voices.json`.

use std::path::{Component, Path};

use serde::Deserialize;

use super::{
    Claims, Layout, ModelFiles, Text, VoiceFiles, checkpoint::newest, folder, read_optional,
    read_text, shown,
};
use crate::load::{
    LoadError,
    config::{Custom, Manifest},
};

#[derive(Deserialize)]
struct Voices {
    voices: Vec<String>,
}

/// Finds the voices of a package, in the order of its list.
pub(super) fn find(package: &Path) -> Result<Vec<VoiceFiles>, LoadError> {
    let manifest = manifest(package)?;
    if let Some(files) = manifest.as_ref().and_then(Manifest::custom) {
        return Ok(vec![custom(package, files)?]);
    }
    let Some(list) = read_optional(&package.join("voices/voices.json"))? else {
        let packed = package.join("voices.zip");
        if packed.is_file() && !package.join("voices").exists() {
            return Err(LoadError::new(shown(&packed), "has to be unpacked"));
        }
        return Ok(Vec::new());
    };
    let listed: Voices = serde_json::from_str(&list.content)
        .map_err(|error| LoadError::new(&*list.file, error.to_string()))?;
    let mut found: Vec<VoiceFiles> = Vec::new();
    let mut missing = Vec::new();
    for name in &listed.voices {
        // A name leads to a folder beside the list, not anywhere else.
        let mut parts = Path::new(name).components();
        let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
            return Err(LoadError::new(
                list.file,
                format!("{name:?} is not a valid folder name"),
            ));
        };
        let path = package.join("voices").join(name);
        if path.is_dir() {
            let mut files = folder::voice(&path, manifest.as_ref())?;
            if files.layout == Layout::Folder {
                files.layout = Layout::Package;
            }
            found.push(files);
        } else {
            missing.push(format!("{}: the voice {name} has no folder", list.file));
        }
    }
    let Some(first) = found.first_mut() else {
        return Err(LoadError::new(list.file, "none of its voices has a folder"));
    };
    first.warnings.extend(missing);
    Ok(found)
}

fn manifest(package: &Path) -> Result<Option<Manifest>, LoadError> {
    let text = read_optional(&package.join("configuration.json"))?;
    text.map(|text| Manifest::parse(&text.file, &text.content))
        .transpose()
}

/// Reads the configuration of the package that a voice's folder is in.
pub(super) fn manifest_above(folder: &Path) -> Result<Option<Manifest>, LoadError> {
    let voices = folder.join("..");
    if voices.join("voices.json").is_file() {
        manifest(&voices.join(".."))
    } else {
        Ok(None)
    }
}

/// Returns a configuration that `configuration.json` holds.
pub(super) fn config_of_package(
    config: Option<String>,
    checkpoint: &Path,
) -> Result<Text, LoadError> {
    let content = config.ok_or_else(|| {
        let problem =
            "neither a config.yaml beside it nor sizes in the package's configuration.json";
        LoadError::new(shown(checkpoint), problem)
    })?;
    Ok(Text {
        file: "configuration.json".to_owned(),
        content,
    })
}

/// Describes a voice whose files the package names one by one, from its own folder on.
fn custom(package: &Path, files: &Custom) -> Result<VoiceFiles, LoadError> {
    let model = |config: &Path, checkpoint: &Path| {
        Ok(ModelFiles {
            config: read_text(&package.join(config))?,
            checkpoint: newest(&package.join(checkpoint))?,
        })
    };
    Ok(VoiceFiles {
        name: files.voice_name.clone(),
        layout: Layout::Custom,
        voice_metadata: package.join("voice.json"),
        acoustic: model(&files.am_config, &files.am_ckpt)?,
        vocoder: model(&files.voc_config, &files.voc_ckpt)?,
        mvn: package.join(&files.mvn_file),
        se: vec![package.join(&files.se_file)],
        dictionaries: package.join("dict"),
        audio: package.join(&files.audio_config),
        claims: Claims::default(),
        warnings: Vec::new(),
    })
}
