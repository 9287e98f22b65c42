//! Pitch and energy: one value a unit each, and its way back into the text features.

use super::fsmn::{Fsmn, FsmnShape};
use crate::{
    kernel::{Linear, Lstm},
    load::{AcousticParams, Weights},
};

/// Predicts one prosodic value a unit.
#[derive(Debug)]
pub(crate) struct Predictor {
    fsmn: Fsmn,
    forward: Lstm,
    backward: Lstm,
    out: Linear,
    /// The embedding's convolution over units: `[projection, taps]`.
    embedding: Vec<f32>,
    embedding_bias: Vec<f32>,
}

/// Taps of the embedding's convolution.
const TAPS: usize = 9;

impl Predictor {
    /// Loads `pitch` or `energy`.
    pub(crate) fn load(weights: &Weights, p: &AcousticParams, what: &str) -> Self {
        let name = format!("variance_adaptor.{what}_predictor");
        let (memory, units) = (p.predictor_num_memory_units, p.predictor_lstm_units);
        let shape = FsmnShape {
            layers: p.predictor_fsmn_num_layers,
            inputs: p.encoder_projection_units + p.speaker_units + p.emotion_units,
            inner: p.predictor_ffn_inner_dim,
            width: memory,
            filter: p.predictor_filter_size,
            shift: &p.predictor_shift,
        };
        let blstm = format!("{name}.blstm");
        let embedding = format!("variance_adaptor.{what}_emb");
        let width = p.encoder_projection_units;
        Self {
            fsmn: Fsmn::load(weights, &format!("{name}.fsmn"), &shape),
            forward: weights.lstm(&blstm, "l0", memory, units),
            backward: weights.lstm(&blstm, "l0_reverse", memory, units),
            out: weights.linear(&format!("{name}.fc"), 1, 2 * units, &[], true),
            embedding: weights
                .values(&format!("{embedding}.weight"), &[width, 1, TAPS])
                .unwrap_or_default(),
            embedding_bias: weights
                .values(&format!("{embedding}.bias"), &[width])
                .unwrap_or_default(),
        }
    }

    /// Predicts from rows of text, speaker and emotion; returns the memory's output and the values.
    pub(crate) fn run(&self, rows: &[f32], count: usize) -> (Vec<f32>, Vec<f32>) {
        let memory = self.fsmn.run(rows);
        let units = self.forward.units();
        let mut both = vec![0.0; count * 2 * units];
        self.forward.run(&memory, &mut both, 2 * units, 0, false);
        self.backward
            .run(&memory, &mut both, 2 * units, units, true);
        let values = self.out.map(&both);
        (memory, values)
    }

    /// Spreads the values over text features: a row for every unit.
    pub(crate) fn embed(&self, values: &[f32]) -> Vec<f32> {
        let mut rows = Vec::with_capacity(values.len() * self.embedding_bias.len());
        for unit in 0..values.len() {
            for (taps, bias) in self.embedding.chunks_exact(TAPS).zip(&self.embedding_bias) {
                let near = (unit + TAPS / 2).checked_sub(TAPS - 1);
                let skipped = if near.is_none() { TAPS / 2 - unit } else { 0 };
                let window = values[near.unwrap_or(0)..].iter();
                let sum: f32 = taps[skipped..].iter().zip(window).map(|(w, v)| w * v).sum();
                rows.push(bias + sum);
            }
        }
        rows
    }
}
