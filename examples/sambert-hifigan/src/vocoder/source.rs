//! The neural source filter: an excitation of harmonics and noise at the wanted pitch.

use super::{noise::Excitation, plane::Plane};
use crate::{
    kernel::{Conv, add},
    probe::Probe,
};

/// Amplitude of each harmonic.
const AMPLITUDE: f32 = 0.1;

/// Deviation of the noise beside the harmonics.
const DEVIATION: f32 = 0.003;

/// Threshold above which a frame counts as voiced.
const VOICED: f32 = 0.6;

/// Makes excitations.
#[derive(Debug)]
pub(super) struct Source {
    /// One weight for each harmonic, the fundamental first.
    pub(super) mix: Vec<f32>,
    pub(super) bias: f32,
    pub(super) sampling_rate: u32,
}

/// Brings the excitation down to the rate of one stage: a convolution whose stride is `factor`.
///
/// The samples of one position become channels, so that the stride becomes one.
#[derive(Debug)]
pub(super) struct Down {
    pub(super) conv: Conv,
    pub(super) factor: usize,
    pub(super) left: usize,
}

/// Where the harmonics are.
pub(super) struct Oscillators {
    random: Box<dyn Excitation>,
    /// Cycles since the beginning, and the phase there.
    harmonics: Vec<(f64, f32)>,
}

impl Source {
    pub(super) fn start(&self, mut random: Box<dyn Excitation>) -> Oscillators {
        // The fundamental always starts at zero.
        let phase = |index: usize| {
            let drawn = random.phase(index);
            (0.0, if index == 0 { 0.0 } else { drawn })
        };
        Oscillators {
            harmonics: (0..self.mix.len()).map(phase).collect(),
            random,
        }
    }

    /// Makes the excitation of the next frames, with these frequencies in Hz and voicings.
    pub(super) fn excite(
        &self,
        oscillators: &mut Oscillators,
        [frequency, voicing]: [&[f32]; 2],
        hop: usize,
        probe: &mut Probe<'_>,
    ) -> Vec<f32> {
        let length = frequency.len() * hop;
        let mut sum = vec![self.bias; length];
        let mut harmonic = vec![0.0; length];
        let Oscillators { random, harmonics } = oscillators;
        for ((index, weight), (cycles, phase)) in self.mix.iter().enumerate().zip(harmonics) {
            random.noise(index, &mut harmonic);
            for ((values, frequency), voicing) in
                harmonic.chunks_exact_mut(hop).zip(frequency).zip(voicing)
            {
                let step = f64::from(frequency * (index + 1) as f32 / self.sampling_rate as f32);
                for value in values {
                    *cycles += step;
                    let noise = *value * DEVIATION;
                    *value = if *voicing > VOICED {
                        // Rounded before its fraction is taken, as the reference does.
                        let angle = (*cycles as f32).fract() * std::f32::consts::TAU;
                        AMPLITUDE * (angle + *phase).sin() + noise
                    } else {
                        noise * (AMPLITUDE / (3.0 * DEVIATION))
                    };
                }
            }
            probe.record("source_in", &harmonic);
            sum.iter_mut()
                .zip(&harmonic)
                .for_each(|(sum, value)| *sum += weight * value);
        }
        sum.iter_mut().for_each(|value| *value = value.tanh());
        probe.record("excitation", &sum);
        sum
    }
}

impl Down {
    /// Begins an excitation: with the zeros that the first position sees before it.
    pub(super) fn start(&self) -> Vec<f32> {
        vec![0.0; self.left]
    }

    /// Returns how many positions the samples at hand are enough for.
    pub(super) fn ready(&self, samples: &[f32]) -> usize {
        (samples.len() / self.factor).saturating_sub(self.conv.reach())
    }

    /// Adds the next positions of the excitation to a stage's signal and drops what no later one needs.
    pub(super) fn add_to(&self, samples: &mut Vec<f32>, x: &mut Plane) -> Plane {
        let columns = x.length + self.conv.reach();
        samples.resize(samples.len().max(columns * self.factor), 0.0);
        let mut split = Plane::zeros(self.factor, columns);
        for (index, row) in split.rows_mut().enumerate() {
            let column = samples.iter().skip(index).step_by(self.factor);
            row.iter_mut()
                .zip(column)
                .for_each(|(x, value)| *x = *value);
        }
        let mut added = Plane::default();
        added.convolve(&self.conv, &split, 0, x.length);
        for (x, added) in x.rows_mut().zip(added.rows()) {
            add(x, added);
        }
        samples.drain(..x.length * self.factor);
        added
    }
}
