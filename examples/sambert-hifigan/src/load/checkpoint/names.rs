//! Names that tensors had elsewhere.

/// What the generator of 2022 called its parts, and what they are called since.
const PARTS_OF_2022: [(&str, &str, &str); 3] = [
    ("ups.", "transpose_upsamples.", ".1"),
    ("repeat_ups.", "repeat_upsamples.", ""),
    ("resblocks.", "conv_blocks.", ""),
];

/// Only training reads these.
const TRAINING: &str = "align_attention.";

/// Returns the name a tensor has today, or nothing for one that is of no use here.
pub(super) fn current(name: &str) -> Option<String> {
    // Distributed training puts the model into another.
    let name = name.strip_prefix("module.").unwrap_or(name);
    if name.starts_with(TRAINING) {
        return None;
    }
    let renamed = PARTS_OF_2022.iter().find_map(|(old, new, between)| {
        let (index, rest) = name.strip_prefix(old)?.split_once('.')?;
        Some(format!("{new}{index}{between}.{rest}"))
    });
    Some(renamed.unwrap_or_else(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_2022_and_of_distributed_training_become_those_of_today() {
        for (old, new) in [
            (
                "ups.0.deconv.weight_g",
                "transpose_upsamples.0.1.deconv.weight_g",
            ),
            (
                "repeat_ups.3.2.conv1d.bias",
                "repeat_upsamples.3.2.conv1d.bias",
            ),
            (
                "resblocks.11.convs1.0.conv1d.bias",
                "conv_blocks.11.convs1.0.conv1d.bias",
            ),
            ("module.conv_pre.conv1d.bias", "conv_pre.conv1d.bias"),
            ("emo_tokenizer.weight", "emo_tokenizer.weight"),
        ] {
            assert_eq!(current(old).as_deref(), Some(new));
        }
        assert_eq!(current("align_attention.attn_proj.weight"), None);
    }
}
