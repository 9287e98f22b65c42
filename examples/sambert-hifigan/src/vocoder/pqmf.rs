//! Synthesis of several sub-bands into one signal.

use std::f64::consts::PI;

use super::plane::Plane;

/// Taps of the prototype filter, less one.
const TAPS: usize = 62;
const CUTOFF: f64 = 0.142;
const BETA: f64 = 9.0;

/// A pseudo quadrature mirror filter bank.
#[derive(Debug)]
pub(crate) struct Pqmf {
    /// `[bands, TAPS + 1]`.
    filters: Vec<f32>,
    bands: usize,
}

impl Pqmf {
    pub(crate) fn new(bands: usize) -> Self {
        let middle = (TAPS / 2) as f64;
        let prototype = |n: usize| {
            let x = n as f64 - middle;
            let ideal = if n == TAPS / 2 {
                CUTOFF
            } else {
                (PI * CUTOFF * x).sin() / (PI * x)
            };
            ideal * kaiser(x / middle)
        };
        let filter = |band: usize, n: usize| {
            let turn = (2 * band + 1) as f64 * PI / (2 * bands) as f64 * (n as f64 - middle);
            let shift = if band.is_multiple_of(2) {
                PI / 4.0
            } else {
                -PI / 4.0
            };
            (2.0 * prototype(n) * (turn - shift).cos()) as f32
        };
        let filters = (0..bands)
            .flat_map(|band| (0..=TAPS).map(move |n| filter(band, n)))
            .collect();
        Self { filters, bands }
    }

    /// Joins the bands.
    pub(crate) fn synthesize(&self, subbands: &Plane) -> Vec<f32> {
        let length = subbands.length * self.bands;
        let mut y = vec![0.0; length];
        for (row, filter) in subbands.rows().zip(self.filters.chunks_exact(TAPS + 1)) {
            for (index, value) in row.iter().enumerate() {
                let value = value * self.bands as f32;
                // Output t reads the stuffed signal from t - 31 to t + 31.
                for (n, weight) in filter.iter().enumerate() {
                    let position = (index * self.bands + TAPS / 2).checked_sub(n);
                    if let Some(y) = position.and_then(|position| y.get_mut(position)) {
                        *y += value * weight;
                    }
                }
            }
        }
        y
    }
}

fn kaiser(x: f64) -> f64 {
    bessel(BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel(BETA)
}

/// The modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..64 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}
