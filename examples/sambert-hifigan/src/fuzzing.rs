//! What the targets in `fuzz` run: parts of the loader that are no part of the library's interface.

use crate::{
    load::{AcousticConfig, Manifest, Parts, VocoderConfig, VoiceMetadata},
    model::Model,
    voice::Voice,
};

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
