//! The fundamental frequency, as the vocoder wants it.

use crate::load::{AcousticParams, NormType, Statistics, Weights};

/// Threshold above which a frame counts as voiced.
const VOICED: f32 = 0.6;

/// The lowest fundamental frequency handed to the vocoder, in Hz.
const LOWEST: f32 = 30.0;

/// How the fundamental frequency comes back to Hz.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frequency {
    scale: f32,
    offset: f32,
}

impl Frequency {
    pub(super) fn of(
        p: &AcousticParams,
        statistics: &Statistics,
        weights: &Weights,
    ) -> Option<Self> {
        if !p.nsf {
            return None;
        }
        let (low, high) = (p.nsf_f0_global_minimum, p.nsf_f0_global_maximum);
        match (p.nsf_norm_type, statistics.mvn.as_deref()) {
            (NormType::Global, _) => Some(Self {
                scale: high - low,
                offset: low,
            }),
            (NormType::MeanStd, Some([mean, deviation])) => Some(Self {
                scale: *deviation,
                offset: *mean,
            }),
            (NormType::MeanStd, _) => {
                weights.problem("mvn.npy, mean and deviation of the fundamental frequency, is missing or misshapen");
                None
            }
        }
    }

    /// Turns the last two channels into Hz and a decision on voicing.
    pub(super) fn restore(self, values: &mut [f32], channels: usize) {
        for frame in values.chunks_exact_mut(channels) {
            if let [.., pitch, voiced] = frame {
                *pitch = (*pitch * self.scale + self.offset).max(LOWEST);
                *voiced = if *voiced >= VOICED { 1.0 } else { 0.0 };
            }
        }
    }
}
