//! Who speaks.

use super::encoder::special_rows;
use crate::load::{AcousticParams, Statistics, Weights};

/// Who speaks: a row of a table, or the one embedding the package brings.
#[derive(Debug)]
pub(super) enum Speakers {
    Embedding(Vec<f32>),
    Table(Vec<f32>),
}

impl Speakers {
    pub(super) fn load(
        weights: &Weights,
        p: &AcousticParams,
        statistics: &Statistics,
        count: usize,
    ) -> Self {
        if p.se {
            let embedding = statistics.se.clone().unwrap_or_default();
            if embedding.len() != p.speaker_units {
                let problem = format!(
                    "se.npy holds {} values instead of {}",
                    embedding.len(),
                    p.speaker_units
                );
                weights.problem(problem);
            }
            Self::Embedding(embedding)
        } else {
            let rows = special_rows(weights, "spk_tokenizer.weight", count);
            Self::Table(
                weights
                    .values("spk_tokenizer.weight", &[rows, p.speaker_units])
                    .unwrap_or_default(),
            )
        }
    }

    /// Looks up `count` rows; nothing where a speaker is not in the table.
    pub(super) fn rows(&self, width: usize, ids: &[u32], count: usize) -> Option<Vec<f32>> {
        match self {
            Self::Embedding(row) => Some(row.repeat(count)),
            Self::Table(table) => look_up(table, width, ids, count),
        }
    }
}

/// Looks up `count` rows, beginning again when there are fewer ids.
pub(super) fn look_up(table: &[f32], width: usize, ids: &[u32], count: usize) -> Option<Vec<f32>> {
    let mut rows = Vec::with_capacity(count * width);
    for id in ids.iter().cycle().take(count) {
        let from = *id as usize * width;
        rows.extend_from_slice(table.get(from..from + width)?);
    }
    Some(rows)
}
