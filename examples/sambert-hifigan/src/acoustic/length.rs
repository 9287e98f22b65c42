//! From a row a unit to a row a frame, and on to the decoder's memory.

use crate::load::{AcousticParams, Weights};

/// Repeats every unit for its frames and tells each frame its place in the unit.
#[derive(Debug)]
pub(crate) struct LengthRegulator {
    inverse_timescales: Vec<f32>,
    step: usize,
}

/// The features of a sentence: rows of text, speaker and emotion.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) text: Vec<f32>,
    pub(crate) speaker: Vec<f32>,
    pub(crate) emotion: Vec<f32>,
}

/// The widths of [`Rows`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Widths {
    pub(crate) text: usize,
    pub(crate) speaker: usize,
    pub(crate) emotion: usize,
}

impl Widths {
    pub(crate) const fn total(&self) -> usize {
        self.text + self.speaker + self.emotion
    }
}

impl Rows {
    /// Puts text, speaker and emotion of each position side by side.
    pub(crate) fn beside(&self, widths: Widths) -> Vec<f32> {
        let count = self.text.len() / widths.text;
        let mut joined = Vec::with_capacity(count * widths.total());
        for row in 0..count {
            joined.extend_from_slice(&self.text[row * widths.text..(row + 1) * widths.text]);
            joined
                .extend_from_slice(&self.speaker[row * widths.speaker..(row + 1) * widths.speaker]);
            joined
                .extend_from_slice(&self.emotion[row * widths.emotion..(row + 1) * widths.emotion]);
        }
        joined
    }
}

impl LengthRegulator {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams) -> Self {
        let width = p.encoder_projection_units;
        let stored = "variance_adaptor.dur_position_encoder.inv_timescales";
        let inverse_timescales = if weights.has(stored) {
            weights.values(stored, &[width]).unwrap_or_default()
        } else {
            let scale = |j: usize| 10_000f64.powf((j / 2 * 2) as f64 / width as f64) as f32;
            (0..width).map(scale).collect()
        };
        Self {
            inverse_timescales,
            step: p.outputs_per_step,
        }
    }

    /// Embeds each frame's place in its unit; frames that only fill the last step have place zero.
    pub(crate) fn positions(&self, durations: &[usize]) -> Vec<f32> {
        let total: usize = durations.iter().sum();
        let padding = total.next_multiple_of(self.step) - total;
        let places = durations
            .iter()
            .flat_map(|frames| 1..=*frames)
            .chain(std::iter::repeat_n(0, padding));
        let embed = |place: usize| {
            self.inverse_timescales
                .iter()
                .enumerate()
                .map(move |(j, scale)| {
                    let angle = place as f32 / scale;
                    if j % 2 == 0 { angle.sin() } else { angle.cos() }
                })
        };
        places.flat_map(embed).collect()
    }

    /// Repeats rows for their frames, with rows of zeros up to a whole step.
    pub(crate) fn repeat(&self, rows: &[f32], width: usize, durations: &[usize]) -> Vec<f32> {
        let total: usize = durations.iter().sum();
        let padded = total.next_multiple_of(self.step);
        let mut repeated = Vec::with_capacity(padded * width);
        for (row, frames) in rows.chunks_exact(width).zip(durations) {
            for _ in 0..*frames {
                repeated.extend_from_slice(row);
            }
        }
        repeated.resize(padded * width, 0.0);
        repeated
    }

    /// Groups frames into decoder steps: all their texts, and speaker and emotion of the first.
    pub(crate) fn memory(&self, rows: &Rows, widths: Widths) -> Vec<f32> {
        let group = self.step * widths.text;
        let steps = rows.text.len() / group;
        let mut memory = Vec::with_capacity(steps * (group + widths.speaker + widths.emotion));
        for step in 0..steps {
            let frame = step * self.step;
            memory.extend_from_slice(&rows.text[step * group..(step + 1) * group]);
            memory.extend_from_slice(
                &rows.speaker[frame * widths.speaker..(frame + 1) * widths.speaker],
            );
            memory.extend_from_slice(
                &rows.emotion[frame * widths.emotion..(frame + 1) * widths.emotion],
            );
        }
        memory
    }
}
