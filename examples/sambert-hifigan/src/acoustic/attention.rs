//! Attention within a window.

use crate::{kernel::softmax, probe::Probe};

/// The steps one query may attend to, as a range of rows.
#[derive(Clone, Copy)]
pub(in crate::acoustic) struct Window {
    pub(in crate::acoustic) first: usize,
    pub(in crate::acoustic) count: usize,
}

/// Keys and values of rows `stride` apart.
pub(in crate::acoustic) struct Attended<'a> {
    pub(in crate::acoustic) keys: &'a [f32],
    pub(in crate::acoustic) values: &'a [f32],
    pub(in crate::acoustic) stride: usize,
}

impl Attended<'_> {
    /// Mixes the values of a window by how well their keys answer the query.
    pub(in crate::acoustic) fn attend(
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
pub(in crate::acoustic) fn see_attention(
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
        probe.record(name, &row);
    }
}
