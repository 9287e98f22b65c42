//! The folder of one voice, and base models.

use std::path::Path;

use super::{
    Claims, Layout, ModelFiles, VoiceFiles, checkpoint::newest, entries, modelscope, name_of,
    read_text,
};
use crate::load::{LoadError, config::Manifest};

/// Finds the voice whose folder this is.
pub(super) fn find(folder: &Path) -> Result<Vec<VoiceFiles>, LoadError> {
    if folder.join("am").is_dir() {
        let manifest = modelscope::manifest_above(folder)?;
        return Ok(vec![voice(folder, manifest.as_ref())?]);
    }
    if folder.join("sambert").is_dir() {
        return Ok(vec![base(folder, name_of(folder))?]);
    }
    let bases = entries(folder)
        .into_iter()
        .filter(|path| name_of(path).starts_with("basemodel") && path.join("sambert").is_dir());
    let bases: Vec<_> = bases.collect();
    let name = |base: &Path| match bases.len() {
        1 => name_of(folder),
        _ => format!("{}_{}", name_of(folder), name_of(base)),
    };
    bases.iter().map(|path| base(path, name(path))).collect()
}

/// Describes a voice of the current layout, or of that of 2022.
pub(super) fn voice(folder: &Path, manifest: Option<&Manifest>) -> Result<VoiceFiles, LoadError> {
    let old = folder.join("am/pytorch_model.bin").is_file();
    let mut files = if old {
        of_2022(folder, manifest)?
    } else {
        let models = [folder.join("am"), folder.join("voc")];
        stages(folder, &models[0], &models[1], Layout::Folder)?
    };
    if let Some(manifest) = manifest {
        files.claims = Claims {
            sample_rate: manifest.sample_rate(),
            has_mask: manifest.has_mask(),
        };
    }
    Ok(files)
}

fn base(folder: &Path, name: String) -> Result<VoiceFiles, LoadError> {
    let models = [folder.join("sambert"), folder.join("hifigan")];
    let files = stages(folder, &models[0], &models[1], Layout::BaseModel)?;
    Ok(VoiceFiles { name, ..files })
}

/// Describes a voice of two folders with a `config.yaml` and a `ckpt` each.
pub(super) fn stages(
    folder: &Path,
    acoustic: &Path,
    vocoder: &Path,
    layout: Layout,
) -> Result<VoiceFiles, LoadError> {
    Ok(VoiceFiles {
        name: name_of(folder),
        layout,
        voice_metadata: folder.join("voice.json"),
        acoustic: stage(acoustic)?,
        vocoder: stage(vocoder)?,
        mvn: acoustic.join("mvn.npy"),
        se: ["se.npy", "../se/se.npy", "../speaker_embedding/se.npy"]
            .map(|name| acoustic.join(name))
            .to_vec(),
        dictionaries: folder.join("dict"),
        audio: folder.join("audio_config.yaml"),
        claims: Claims::default(),
        warnings: Vec::new(),
    })
}

fn stage(folder: &Path) -> Result<ModelFiles, LoadError> {
    Ok(ModelFiles {
        config: read_text(&folder.join("config.yaml"))?,
        checkpoint: newest(&folder.join("ckpt"))?,
    })
}

/// Describes a voice of 2022, configured by the package.
fn of_2022(folder: &Path, manifest: Option<&Manifest>) -> Result<VoiceFiles, LoadError> {
    let model = |name: &str, config: Option<String>| {
        let checkpoint = folder.join(name).join("pytorch_model.bin");
        let own = super::read_optional(&folder.join(name).join("config.yaml"))?;
        let of_package = || modelscope::config_of_package(config, &checkpoint);
        Ok(ModelFiles {
            config: own.map_or_else(of_package, Ok)?,
            checkpoint: newest(&checkpoint)?,
        })
    };
    let acoustic = folder.join("am");
    Ok(VoiceFiles {
        name: name_of(folder),
        layout: Layout::Of2022,
        voice_metadata: folder.join("voice.json"),
        acoustic: model("am", manifest.and_then(Manifest::acoustic_config))?,
        vocoder: model("vocoder", manifest.and_then(Manifest::vocoder_config))?,
        mvn: acoustic.join("mvn.npy"),
        se: vec![acoustic.join("se.npy")],
        dictionaries: folder.join("dict"),
        audio: folder.join("audio_config.yaml"),
        claims: Claims::default(),
        warnings: Vec::new(),
    })
}
