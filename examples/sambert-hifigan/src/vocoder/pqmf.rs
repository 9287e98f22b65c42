//! Synthesis of several sub-bands into one signal.

use std::f64::consts::PI;

use super::{history::History, plane::Plane};
use crate::kernel::Conv;

/// Taps of the prototype filter, less one.
const TAPS: usize = 62;
const CUTOFF: f64 = 0.142;
const BETA: f64 = 9.0;

/// A pseudo quadrature mirror filter bank, as one convolution of which each output is a phase of the signal.
#[derive(Debug)]
pub(super) struct Pqmf {
    conv: Conv,
    bands: usize,
    left: usize,
    right: usize,
}

impl Pqmf {
    pub(super) fn new(bands: usize) -> Self {
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
        // Output `t` reads the stuffed signal from `t - 31` to `t + 31`; of its values only every `bands`th is
        // not zero, and which these are depends on the phase.
        let (left, right) = (TAPS / 2 / bands, (TAPS / 2).div_ceil(bands));
        let taps = left + right + 1;
        let tap = |phase: usize, band: usize, tap: usize| {
            let n = ((tap + bands) * bands + TAPS / 2).checked_sub((left + bands) * bands + phase);
            n.filter(|n| *n <= TAPS)
                .map_or(0.0, |n| filter(band, n) * bands as f32)
        };
        let weight: Vec<f32> = (0..bands * bands * taps)
            .map(|index| tap(index / taps / bands, index / taps % bands, index % taps))
            .collect();
        let conv = Conv::new(&weight, &vec![0.0; bands], [bands, bands, taps], 1);
        Self {
            conv,
            bands,
            left,
            right,
        }
    }

    pub(super) fn start(&self) -> History {
        History::new(self.bands, self.left)
    }

    /// Joins the next piece of the bands.
    pub(super) fn push(&self, history: &mut History, x: &Plane, end: bool) -> Vec<f32> {
        let (mut joined, mut phases) = (Plane::default(), Plane::default());
        let zeros = if end { self.right } else { 0 };
        let ready = history.feed(&self.conv, x, 1.0, zeros, &mut joined);
        phases.convolve(&self.conv, &joined, 0, ready);
        let mut y = vec![0.0; ready * self.bands];
        for (phase, row) in phases.rows().enumerate() {
            let targets = y.iter_mut().skip(phase).step_by(self.bands);
            targets.zip(row).for_each(|(y, value)| *y = *value);
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
