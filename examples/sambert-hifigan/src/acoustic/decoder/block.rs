//! One block: attention to the past and to the memory ahead, then a feed-forward layer.

use crate::{
    acoustic::attention::{Attended, Window, see_attention},
    kernel::{LayerNorm, Linear, relu},
    load::{AcousticParams, Weights},
    probe::Probe,
};

/// One block of the decoder.
#[derive(Debug)]
pub(super) struct Block {
    norm: LayerNorm,
    qkv: Linear,
    own_out: Linear,
    memory_out: Linear,
    memory_kv: Linear,
    feed_norm: LayerNorm,
    pub(super) wide: Linear,
    narrow: Linear,
}

/// What one block remembers of a sentence: keys and values of its own past and of the memory.
pub(super) struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    memory_kv: Vec<f32>,
}

/// The buffers of a step.
pub(super) struct Scratch {
    pub(super) x: Vec<f32>,
    pub(super) normal: Vec<f32>,
    pub(super) qkv: Vec<f32>,
    pub(super) mixed: Vec<f32>,
    pub(super) wide: Vec<f32>,
    pub(super) scores: Vec<f32>,
}

impl Block {
    pub(super) fn load(weights: &Weights, p: &AcousticParams, index: usize, memory: usize) -> Self {
        let (units, inner) = (p.decoder_num_units, p.decoder_ffn_inner_dim);
        let attention = format!("mel_decoder.mel_dec.pnca.{index}.pnca_attn");
        let feed = format!("mel_decoder.mel_dec.pnca.{index}.pos_ffn");
        let linear = |name: &str, outputs, inputs| {
            weights.linear(&format!("{attention}.{name}"), outputs, inputs, &[], true)
        };
        Self {
            norm: weights.layer_norm(&format!("{attention}.layer_norm"), units),
            qkv: linear("w_x_qkv", 3 * units, units),
            own_out: linear("fc_x", units, units),
            memory_out: linear("fc_h", units, units),
            memory_kv: linear("w_h_kv", 2 * units, memory),
            feed_norm: weights.layer_norm(&format!("{feed}.layer_norm"), units),
            wide: weights.linear(&format!("{feed}.w_1"), inner, units, &[1], true),
            narrow: weights.linear(&format!("{feed}.w_2"), units, inner, &[1], true),
        }
    }

    pub(super) fn prepare(&self, memory: &[f32], steps: usize) -> Cache {
        let units = self.own_out.outputs();
        Cache {
            keys: vec![0.0; steps * units],
            values: vec![0.0; steps * units],
            memory_kv: self.memory_kv.map(memory),
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a step needs its place, its windows, its state and its buffers"
    )]
    pub(super) fn step(
        &self,
        step: usize,
        steps: usize,
        windows: [Window; 2],
        heads: usize,
        cache: &mut Cache,
        scratch: &mut Scratch,
        probe: &mut Probe<'_>,
    ) {
        let Scratch {
            x,
            normal,
            qkv,
            mixed,
            wide,
            scores,
        } = scratch;
        let units = x.len();
        self.norm.apply(x, normal);
        self.qkv.apply(normal, qkv);
        let (query, kv) = qkv.split_at(units);
        let (key, value) = kv.split_at(units);
        cache.keys[step * units..(step + 1) * units].copy_from_slice(key);
        cache.values[step * units..(step + 1) * units].copy_from_slice(value);

        let [back, ahead] = windows;
        let own = Attended {
            keys: &cache.keys,
            values: &cache.values,
            stride: units,
        };
        own.attend(query, heads, back, scores, mixed);
        see_attention(
            probe,
            "pnca_x_attn_first_layer",
            &own,
            query,
            heads,
            back,
            steps,
        );
        self.own_out.accumulate(mixed, x);
        let memory = Attended {
            keys: &cache.memory_kv,
            values: &cache.memory_kv[units..],
            stride: 2 * units,
        };
        memory.attend(query, heads, ahead, scores, mixed);
        see_attention(
            probe,
            "pnca_h_attn_first_layer",
            &memory,
            query,
            heads,
            ahead,
            steps,
        );
        self.memory_out.accumulate(mixed, x);

        self.feed_norm.apply(x, normal);
        self.wide.apply(normal, wide);
        relu(wide);
        self.narrow.accumulate(wide, x);
    }
}
