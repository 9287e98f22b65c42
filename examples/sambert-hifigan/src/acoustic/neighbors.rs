//! Convolutions of three taps over short signals, as products with each row's neighbors beside it.

use crate::{kernel::Linear, load::Weights};

/// Reads a convolution of three taps as a linear layer over [`beside`].
pub(super) fn layer(weights: &Weights, name: &str, outputs: usize, inputs: usize) -> Linear {
    let conv = weights.values(&format!("{name}.weight"), &[outputs, inputs, 3]);
    let bias = weights.values(&format!("{name}.bias"), &[outputs]);
    match (conv, bias) {
        (Some(conv), Some(bias)) => {
            Linear::new(&taps_first(&conv, inputs), Some(&bias), outputs, 3 * inputs)
        }
        _ => Linear::new(&[], None, 0, 1),
    }
}

/// Puts each row between its neighbors, zeros beyond the ends.
pub(super) fn beside(rows: &[f32], width: usize) -> Vec<f32> {
    let mut padded = vec![0.0; width];
    padded.extend_from_slice(rows);
    padded.resize(rows.len() + 2 * width, 0.0);
    padded
        .windows(3 * width)
        .step_by(width)
        .flatten()
        .copied()
        .collect()
}

/// Reorders `[outputs, inputs, 3]` into `[outputs, 3, inputs]`.
fn taps_first(conv: &[f32], inputs: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        (0..3 * inputs)
            .map(|i| row[i % inputs * 3 + i / inputs])
            .collect::<Vec<_>>()
    };
    conv.chunks_exact(3 * inputs).flat_map(row).collect()
}
