//! One block: attention to the whole sentence, then a layer that sees each unit's neighbors.

use crate::{
    acoustic::{
        attention::{Attended, Window},
        neighbors,
    },
    kernel::{LayerNorm, Linear, add, relu},
    load::{AcousticParams, Weights},
};

/// One block of the encoder.
#[derive(Debug)]
pub(super) struct Block {
    heads: usize,
    attention_norm: LayerNorm,
    qkv: Linear,
    out: Linear,
    /// Whether the attention is added to its input: only where both are as wide.
    residual: bool,
    feed_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
}

impl Block {
    pub(super) fn load(weights: &Weights, p: &AcousticParams, index: usize) -> Self {
        let (units, inner) = (p.encoder_num_units, p.encoder_ffn_inner_dim);
        let inputs = if index == 0 { p.embedding_dim } else { units };
        let name = |part: &str| format!("text_encoder.ling_enc.fft.{index}.{part}");
        Self {
            heads: p.encoder_num_heads,
            attention_norm: weights.layer_norm(&name("slf_attn.layer_norm"), inputs),
            qkv: weights.linear(&name("slf_attn.w_qkv"), 3 * units, inputs, &[], true),
            out: weights.linear(&name("slf_attn.fc"), units, units, &[], true),
            residual: inputs == units,
            feed_norm: weights.layer_norm(&name("pos_ffn.layer_norm"), units),
            wide: neighbors::layer(weights, &name("pos_ffn.w_1"), inner, units),
            narrow: weights.linear(&name("pos_ffn.w_2"), units, inner, &[1], true),
        }
    }

    /// Runs over the rows of a sentence.
    pub(super) fn run(&self, x: &[f32]) -> Vec<f32> {
        let mut y = self.attend(&self.attention_norm.map(x));
        if self.residual {
            add(&mut y, x);
        }
        let normal = self.feed_norm.map(&y);
        let beside = neighbors::beside(&normal, self.out.outputs());
        let mut wide = self.wide.map(&beside);
        relu(&mut wide);
        self.narrow.accumulate(&wide, &mut y);
        y
    }

    fn attend(&self, x: &[f32]) -> Vec<f32> {
        let units = self.out.outputs();
        let qkv = self.qkv.map(x);
        let count = qkv.len() / (3 * units);
        let attended = Attended {
            keys: &qkv[units.min(qkv.len())..],
            values: &qkv[(2 * units).min(qkv.len())..],
            stride: 3 * units,
        };
        let all = Window { first: 0, count };
        let (mut mixed, mut scores) = (vec![0.0; count * units], Vec::new());
        for (row, mixed) in qkv
            .chunks_exact(3 * units)
            .zip(mixed.chunks_exact_mut(units))
        {
            attended.attend(&row[..units], self.heads, all, &mut scores, mixed);
        }
        self.out.map(&mixed)
    }
}
