//! What an operator may want to know of a voice.

use checkpoint::Tensors;

use crate::{
    acoustic::Acoustic,
    load::{AcousticConfig, Parts, VocoderConfig},
    vocoder::Vocoder,
};

/// A name and what it is.
pub(crate) type Detail = (&'static str, String);

/// Tells what the files say, before their tensors are taken.
pub(super) fn before(
    parts: &Parts,
    config: &AcousticConfig,
    vocoder: &VocoderConfig,
) -> Vec<Detail> {
    let p = config.params();
    let v = vocoder.params();
    let nsf = |on: bool| if on { "NSF" } else { "" };
    let flags = [
        nsf(p.nsf),
        if p.mas { "MAS" } else { "" },
        if p.fp { "FP" } else { "" },
        if p.se { "SE" } else { "" },
        if p.using_byte { "byte input" } else { "" },
    ];
    let generator = [
        if v.causal { "causal" } else { "not causal" },
        nsf(v.nsf_params.is_some()),
    ];
    let mut details = vec![
        ("layout", parts.layout.to_string()),
        (
            "acoustic model",
            format!(
                "{} ({})",
                parts.acoustic.file,
                elements(&parts.acoustic.tensors)
            ),
        ),
        ("acoustic flags", joined(&flags)),
        (
            "vocoder",
            format!(
                "{} ({})",
                parts.vocoder.file,
                elements(&parts.vocoder.tensors)
            ),
        ),
        ("vocoder flags", joined(&generator)),
        ("mel channels", p.num_mels.to_string()),
        ("frames per step", p.outputs_per_step.to_string()),
        ("samples per frame", vocoder.samples_per_frame().to_string()),
    ];
    if v.out_channels > 1 {
        details.push(("PQMF bands", v.out_channels.to_string()));
    }
    let files: Vec<_> = parts.dictionaries.files().map(|(name, _)| name).collect();
    details.push(("dict files", joined(&files)));
    details
}

/// Tells what the layers are.
pub(super) fn after(acoustic: &Acoustic, vocoder: &Vocoder) -> [Detail; 2] {
    [
        ("acoustic weights", acoustic.parameters().to_string()),
        ("vocoder weights", vocoder.parameters().to_string()),
    ]
}

/// Names the types of the weights.
fn elements(tensors: &Tensors) -> String {
    let kinds = tensors
        .names()
        .filter_map(|name| Some(tensors.element(name)?.to_string()));
    let kinds: std::collections::BTreeSet<_> = kinds.collect();
    kinds.into_iter().collect::<Vec<_>>().join(", ")
}

fn joined(words: &[&str]) -> String {
    let words: Vec<_> = words
        .iter()
        .filter(|word| !word.is_empty())
        .copied()
        .collect();
    if words.is_empty() {
        return "none".to_owned();
    }
    words.join(", ")
}
