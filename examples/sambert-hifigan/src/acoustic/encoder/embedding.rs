//! What an encoder knows of a unit before it looks at the others: what it is, and where.

use std::borrow::Cow;

use crate::load::Weights;

/// A row for every symbol.
#[derive(Debug)]
pub(super) struct Table {
    values: Vec<f32>,
    width: usize,
}

impl Table {
    /// Reads an embedding of `symbols` rows and the two or three specials behind them.
    pub(super) fn load(weights: &Weights, name: &str, symbols: usize, width: usize) -> Self {
        let name = format!("text_encoder.{name}.weight");
        let rows = special_rows(weights, &name, symbols);
        Self {
            values: weights.values(&name, &[rows, width]).unwrap_or_default(),
            width,
        }
    }

    /// Adds the rows of these symbols to `x`; nothing where the table has none.
    pub(super) fn add_to(&self, x: &mut [f32], ids: &[u32]) -> Option<()> {
        for (x, id) in x.chunks_exact_mut(self.width).zip(ids) {
            let from = *id as usize * self.width;
            let row = self.values.get(from..from + self.width)?;
            x.iter_mut().zip(row).for_each(|(x, value)| *x += value);
        }
        Some(())
    }
}

/// Returns the rows an embedding has to have: with a mask symbol, or without if it is stored so.
pub(in crate::acoustic) fn special_rows(weights: &Weights, name: &str, symbols: usize) -> usize {
    match weights.rows(name) {
        Some(rows) if rows == symbols + 2 => rows,
        _ => symbols + 3,
    }
}

/// A row for every place in a sentence.
#[derive(Debug)]
pub(super) struct Positions {
    /// The stored rows; computed when the checkpoint has none or the text is longer.
    stored: Vec<f32>,
    width: usize,
}

impl Positions {
    pub(super) fn load(weights: &Weights, rows: usize, width: usize) -> Self {
        let name = "text_encoder.ling_enc.position_enc.position_enc";
        let stored = weights
            .has(name)
            .then(|| weights.values(name, &[1, rows, width]));
        Self {
            stored: stored.flatten().unwrap_or_default(),
            width,
        }
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Returns the rows of a sentence's places.
    pub(super) fn rows(&self, length: usize) -> Cow<'_, [f32]> {
        if let Some(stored) = self.stored.get(..length * self.width) {
            return stored.into();
        }
        let half = self.width / 2;
        let mut table = Vec::with_capacity(length * self.width);
        for row in 1..=length {
            let angle = |j: usize| row as f64 / 10_000f64.powf(j as f64 / (half as f64 - 1.0));
            table.extend((0..half).map(|j| angle(j).sin() as f32));
            table.extend((0..half).map(|j| angle(j).cos() as f32));
            table.resize(row * self.width, 0.0);
        }
        table.into()
    }
}
