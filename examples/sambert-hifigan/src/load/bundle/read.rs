//! Opens a voice in one file.

use std::{collections::BTreeMap, path::Path};

use checkpoint::{CheckpointError, Flat, Source, Tensors, open_safetensors};

use super::{ACOUSTIC, FORMAT, MVN, SE, VOCODER};
use crate::load::{
    Claims, Dictionaries, Layout, LoadError, Parts, Statistics, Text, VoiceMetadata,
    config::AudioConfig, package::shown, parts::ModelParts,
};

/// Opens the file.
///
/// # Errors
///
/// When it is damaged, or safetensors without a voice.
pub(in crate::load) fn read(path: &Path) -> Result<Parts, LoadError> {
    let file = shown(path);
    let open = || {
        let opened = Source::open(path).and_then(open_safetensors);
        opened.map_err(|problem: CheckpointError| LoadError::new(&*file, problem))
    };
    let Flat {
        tensors, metadata, ..
    } = open()?;
    let entry = |name: &str| metadata.get(name).cloned();
    if entry("format").as_deref() != Some(FORMAT) {
        let problem = format!("safetensors, but no voice: its format is not {FORMAT:?}");
        return Err(LoadError::new(file, problem));
    }
    let text = |name: &str| {
        let content = entry(name);
        content.map(|content| Text {
            file: format!("{file} ({name})"),
            content,
        })
    };
    let model = |prefix: &'static str, config: &str, tensors: Tensors| {
        let config = text(config);
        Ok(ModelParts {
            config: config.ok_or_else(|| LoadError::new(&*file, "a configuration is missing"))?,
            file: file.clone(),
            tensors: tensors.rename(|name| name.strip_prefix(prefix).map(str::to_owned)),
        })
    };
    let voice_metadata = text("voice.json").map_or(Ok(VoiceMetadata::unknown()), |text| {
        VoiceMetadata::parse(&text.file, &text.content)
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Parts {
        name: voice_metadata
            .name
            .clone()
            .unwrap_or_else(|| stem.into_owned()),
        layout: Layout::File,
        voice_metadata,
        acoustic: model(ACOUSTIC, "acoustic.config", tensors)?,
        // Each model reads the file by itself.
        vocoder: model(VOCODER, "vocoder.config", open()?.tensors)?,
        statistics: statistics(&mut open()?.tensors)
            .map_err(|problem| LoadError::new(&*file, problem))?,
        dictionaries: Dictionaries::new(dictionaries(&metadata, &file))?,
        audio: AudioConfig::default(),
        claims: Claims::default(),
        warnings: Vec::new(),
    })
}

fn dictionaries(metadata: &BTreeMap<String, String>, file: &str) -> BTreeMap<String, Text> {
    let named = metadata.iter().filter_map(|(key, content)| {
        let name = key.strip_prefix("dict.")?;
        let text = Text {
            file: format!("{file} ({key})"),
            content: content.clone(),
        };
        Some((name.to_owned(), text))
    });
    named.collect()
}

fn statistics(tensors: &mut Tensors) -> Result<Statistics, String> {
    let mut array = |name: &str| {
        let values = tensors
            .take(name)?
            .map_err(String::from)
            .and_then(|tensor| {
                let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
                values.map_err(|error| error.to_string())
            });
        Some(values.map_err(|problem| format!("{name}: {problem}")))
    };
    Ok(Statistics {
        mvn: array(MVN).transpose()?,
        se: array(SE).transpose()?,
    })
}
