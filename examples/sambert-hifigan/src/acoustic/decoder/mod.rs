//! The decoder: frame groups one after the other, each looking a few steps back and ahead.
//!
//! Attention reaches only as far as the longest unit: a step costs the width of that band and not the
//! length of the sentence. Every buffer is made once per sentence; a step allocates nothing.

mod block;

use self::block::{Block, Scratch};
use super::attention::Window;
use crate::{
    failure::Failure,
    kernel::{LayerNorm, Linear, relu},
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
    /// If the stop signal is set.
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
            probe.record("dec_prenet", fed);
            joined[..width].copy_from_slice(&memory[step * width..(step + 1) * width]);
            joined[width..].copy_from_slice(fed);
            self.input.apply(&joined, &mut scratch.x);
            probe.record("dec_in_proj", &scratch.x);
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
                    probe.record(&format!("dec_layer_{index}"), &scratch.x);
                }
            }
            self.norm.apply(&scratch.x, &mut scratch.normal);
            probe.record("dec_ln", &scratch.normal);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::Voice;

    #[test]
    fn a_step_allocates_nothing() {
        let voice = Voice::demo().unwrap();
        let decoder = &voice.handle.model.acoustic.decoder;
        let width = decoder.input.inputs() - decoder.norm_width();
        let allocations = |steps: usize| {
            let memory = vec![0.1; steps * width];
            let (stop, mut probe) = (StopSignal::new(), Probe::none());
            let mut frames = 0;
            let counted = allocation_counter::measure(|| {
                frames = decoder.run(&memory, 5, &stop, &mut probe).unwrap().len();
            });
            assert_eq!(frames, steps * decoder.out.outputs());
            counted.count_total
        };
        assert_eq!(allocations(20), allocations(200));
    }
}
