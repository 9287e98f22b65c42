//! What the targets in `fuzz` run: parts of the loader that are no part of the library's interface.

use crate::{
    load::{
        ACOUSTIC_PATHS, AcousticConfig, Manifest, Parts, VOCODER_PATHS, VocoderConfig,
        VoiceMetadata, read_checkpoint, read_npy,
    },
    model::Model,
    voice::Voice,
};

/// Reads every tensor of a checkpoint; together they are not larger than it.
///
/// # Panics
///
/// When they are.
pub fn checkpoint(bytes: &[u8]) {
    for paths in [ACOUSTIC_PATHS, VOCODER_PATHS] {
        let Ok(mut tensors) = read_checkpoint("fuzz", bytes.to_vec(), paths) else {
            continue;
        };
        let names: Vec<_> = tensors.names().map(str::to_owned).collect();
        let mut taken = 0;
        for name in names {
            if let Some(Ok(tensor)) = tensors.take(&name) {
                taken += tensor.elem_count() * tensor.dtype().size_in_bytes();
            }
        }
        assert!(
            taken <= bytes.len(),
            "{taken} bytes of tensors in a file of {}",
            bytes.len()
        );
    }
}

/// Reads an array; it is not larger than its file.
///
/// # Panics
///
/// When it is.
pub fn array(bytes: &[u8]) {
    if let Ok(values) = read_npy(bytes) {
        assert!(values.len() * size_of::<f32>() <= bytes.len());
    }
}

/// Reads a text as each of the files of a package.
pub fn configuration(text: &str) {
    let _ = AcousticConfig::parse("fuzz", text);
    let _ = VocoderConfig::parse("fuzz", text);
    let _ = VoiceMetadata::parse("fuzz", text);
    if let Ok(manifest) = Manifest::parse("fuzz", text) {
        let configs = [manifest.acoustic_config(), manifest.vocoder_config()];
        for config in configs.iter().flatten() {
            let _ = AcousticConfig::parse("fuzz", config);
            let _ = VocoderConfig::parse("fuzz", config);
        }
    }
}

/// Loads the demo voice with another configuration of one of its models.
#[must_use]
pub fn configured(acoustic: bool, text: &str) -> Option<Voice> {
    let mut parts = Parts::built_in().ok()?;
    let config = if acoustic {
        &mut parts.acoustic.config
    } else {
        &mut parts.vocoder.config
    };
    text.clone_into(&mut config.content);
    Model::assemble(parts).ok().map(Voice::of)
}
