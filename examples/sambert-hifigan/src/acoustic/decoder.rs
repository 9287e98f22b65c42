//! The decoder: frame groups one after the other, each looking a few steps back and ahead.
//!
//! Attention reaches only as far as the longest unit: a step costs the width of that band and not the
//! length of the sentence. Every buffer is made once per sentence; a step allocates nothing.

use super::model::Failure;
use crate::{
    kernel::{LayerNorm, Linear, relu, softmax},
    load::{AcousticParams, Weights},
    probe::Probe,
    stop::StopSignal,
};

/// The auto-regressive decoder.
#[derive(Debug)]
pub(crate) struct Decoder {
    prenet: Vec<Linear>,
    input: Linear,
    blocks: Vec<Block>,
    norm: LayerNorm,
    out: Linear,
    heads: usize,
    mels: usize,
}

#[derive(Debug)]
struct Block {
    norm: LayerNorm,
    qkv: Linear,
    own_out: Linear,
    memory_out: Linear,
    memory_kv: Linear,
    feed_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
}

/// What one block remembers of a sentence: keys and values of its own past and of the memory.
struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    memory_kv: Vec<f32>,
}

/// The buffers of a step.
struct Scratch {
    x: Vec<f32>,
    normal: Vec<f32>,
    qkv: Vec<f32>,
    mixed: Vec<f32>,
    wide: Vec<f32>,
    scores: Vec<f32>,
}

/// The steps one query may attend to, as a range of rows.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    count: usize,
}

impl Decoder {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams) -> Self {
        let name = "mel_decoder.mel_dec";
        let units = p.decoder_num_units;
        let memory =
            p.outputs_per_step * p.encoder_projection_units + p.speaker_units + p.emotion_units;
        let mut inputs = p.num_mels;
        let mut prenet = Vec::new();
        for (index, outputs) in p.decoder_prenet_units.iter().chain([&units]).enumerate() {
            prenet.push(weights.linear(
                &format!("{name}.prenet.fcs.{}", 3 * index),
                *outputs,
                inputs,
                &[],
                true,
            ));
            inputs = *outputs;
        }
        Self {
            prenet,
            input: weights.linear(
                &format!("{name}.dec_in_proj"),
                units,
                units + memory,
                &[],
                true,
            ),
            blocks: (0..p.decoder_num_layers)
                .map(|index| Block::load(weights, p, index, memory))
                .collect(),
            norm: weights.layer_norm(&format!("{name}.ln"), units),
            out: weights.linear(
                &format!("{name}.dec_out_proj"),
                p.num_mels * p.outputs_per_step,
                units,
                &[],
                true,
            ),
            heads: p.decoder_num_heads,
            mels: p.num_mels,
        }
    }

    /// Decodes every step of the memory, `[steps, width]`, into its frames; `band` is how far attention reaches.
    ///
    /// # Errors
    ///
    /// When told to stop.
    pub(crate) fn run(
        &self,
        memory: &[f32],
        band: usize,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) -> Result<Vec<f32>, Failure> {
        let units = self.norm_width();
        let width = self.input.inputs() - units;
        let steps = memory.len() / width;
        let group = self.out.outputs();
        let mut caches: Vec<_> = self
            .blocks
            .iter()
            .map(|block| block.prepare(memory, steps))
            .collect();
        let mut scratch = self.scratch(band);
        let mut prenet: Vec<Vec<f32>> = self
            .prenet
            .iter()
            .map(|layer| vec![0.0; layer.outputs()])
            .collect();
        let mut joined = vec![0.0; width + units];
        let mut frames = vec![0.0; steps * group];
        let mut last = vec![0.0; self.mels];
        for step in 0..steps {
            if stop.is_set() {
                return Err(Failure::Cancelled);
            }
            self.run_prenet(&last, &mut prenet);
            let fed = prenet.last().map(Vec::as_slice).unwrap_or_default();
            probe.see("dec_prenet", fed);
            joined[..width].copy_from_slice(&memory[step * width..(step + 1) * width]);
            joined[width..].copy_from_slice(fed);
            self.input.apply(&joined, &mut scratch.x);
            probe.see("dec_in_proj", &scratch.x);
            let scale = (units as f32).sqrt();
            scratch.x.iter_mut().for_each(|x| *x *= scale);
            let back = Window {
                first: step.saturating_sub(band),
                count: step.min(band) + 1,
            };
            let ahead = Window {
                first: step,
                count: (band + 1).min(steps - step),
            };
            for (index, (block, cache)) in self.blocks.iter().zip(&mut caches).enumerate() {
                let mut looked = Probe::none();
                let look = if index == 0 { &mut *probe } else { &mut looked };
                block.step(
                    step,
                    steps,
                    [back, ahead],
                    self.heads,
                    cache,
                    &mut scratch,
                    look,
                );
                if probe.is_active() {
                    probe.see(&format!("dec_layer_{index}"), &scratch.x);
                }
            }
            self.norm.apply(&scratch.x, &mut scratch.normal);
            probe.see("dec_ln", &scratch.normal);
            let output = &mut frames[step * group..(step + 1) * group];
            self.out.apply(&scratch.normal, output);
            last.copy_from_slice(&output[group - self.mels..]);
        }
        Ok(frames)
    }

    const fn norm_width(&self) -> usize {
        self.input.outputs()
    }

    fn scratch(&self, band: usize) -> Scratch {
        let units = self.norm_width();
        let inner = self.blocks.first().map_or(0, |block| block.wide.outputs());
        Scratch {
            x: vec![0.0; units],
            normal: vec![0.0; units],
            qkv: vec![0.0; 3 * units],
            mixed: vec![0.0; units],
            wide: vec![0.0; inner],
            scores: Vec::with_capacity(band + 1),
        }
    }

    /// All layers but the last end in a rectifier.
    fn run_prenet(&self, frame: &[f32], outputs: &mut [Vec<f32>]) {
        let count = self.prenet.len();
        for (index, layer) in self.prenet.iter().enumerate() {
            let (before, rest) = outputs.split_at_mut(index);
            let input = before.last().map_or(frame, Vec::as_slice);
            layer.apply(input, &mut rest[0]);
            if index + 1 < count {
                relu(&mut rest[0]);
            }
        }
    }
}

impl Block {
    fn load(weights: &Weights, p: &AcousticParams, index: usize, memory: usize) -> Self {
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

    fn prepare(&self, memory: &[f32], steps: usize) -> Cache {
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
    fn step(
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

/// Keys and values of rows `stride` apart.
struct Attended<'a> {
    keys: &'a [f32],
    values: &'a [f32],
    stride: usize,
}

impl Attended<'_> {
    /// Mixes the values of a window by how well their keys answer the query.
    fn attend(
        &self,
        query: &[f32],
        heads: usize,
        window: Window,
        scores: &mut Vec<f32>,
        mixed: &mut [f32],
    ) {
        let size = query.len() / heads;
        for head in 0..heads {
            let lanes = head * size..(head + 1) * size;
            self.score(&query[lanes.clone()], head * size, window, scores);
            let mixed = &mut mixed[lanes];
            mixed.fill(0.0);
            for (row, weight) in (window.first..).zip(&*scores) {
                let from = row * self.stride + head * size;
                for (mixed, value) in mixed.iter_mut().zip(&self.values[from..from + size]) {
                    *mixed += weight * value;
                }
            }
        }
    }

    fn score(&self, query: &[f32], offset: usize, window: Window, scores: &mut Vec<f32>) {
        let scale = (query.len() as f32).sqrt().recip();
        scores.clear();
        for row in window.first..window.first + window.count {
            let from = row * self.stride + offset;
            let key = &self.keys[from..from + query.len()];
            scores.push(query.iter().zip(key).map(|(q, k)| q * k).sum::<f32>() * scale);
        }
        softmax(scores);
    }
}

/// Shows one row of the first head's attention, zero outside the window.
fn see_attention(
    probe: &mut Probe<'_>,
    name: &str,
    attended: &Attended<'_>,
    query: &[f32],
    heads: usize,
    window: Window,
    steps: usize,
) {
    if probe.is_active() {
        let mut scores = Vec::new();
        attended.score(&query[..query.len() / heads], 0, window, &mut scores);
        let mut row = vec![0.0; steps];
        row[window.first..window.first + window.count].copy_from_slice(&scores);
        probe.see(name, &row);
    }
}
