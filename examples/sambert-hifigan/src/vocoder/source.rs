//! The neural source filter: an excitation of harmonics and noise at the wanted pitch.

use super::{noise::Excitation, plane::Plane};
use crate::{kernel::Linear, probe::Probe};

/// Amplitude of each harmonic.
const AMPLITUDE: f32 = 0.1;

/// Deviation of the noise beside the harmonics.
const DEVIATION: f32 = 0.003;

/// Threshold above which a frame counts as voiced.
const VOICED: f32 = 0.6;

/// Makes excitations.
#[derive(Debug)]
pub(crate) struct Source {
    /// One weight for each harmonic, the fundamental first.
    mix: Vec<f32>,
    bias: f32,
    sampling_rate: f32,
    downs: Vec<Down>,
}

/// Brings the excitation down to the rate of one stage.
#[derive(Debug)]
pub(crate) struct Down {
    pub(crate) linear: Linear,
    pub(crate) factor: usize,
    pub(crate) left: usize,
}

impl Source {
    pub(crate) const fn new(
        mix: Vec<f32>,
        bias: f32,
        sampling_rate: u32,
        downs: Vec<Down>,
    ) -> Self {
        Self {
            mix,
            bias,
            sampling_rate: sampling_rate as f32,
            downs,
        }
    }

    /// Makes the excitation of frames with these frequencies in Hz and voicings.
    pub(crate) fn excite(
        &self,
        frequency: &[f32],
        voicing: &[f32],
        hop: usize,
        random: &mut dyn Excitation,
        probe: &mut Probe<'_>,
    ) -> Vec<f32> {
        let length = frequency.len() * hop;
        let mut sum = vec![self.bias; length];
        let mut harmonic = vec![0.0; length];
        for (index, weight) in self.mix.iter().enumerate() {
            // The fundamental always starts at zero.
            let drawn = random.phase(index);
            let phase = if index == 0 { 0.0 } else { drawn };
            random.noise(index, &mut harmonic);
            let mut cycles = 0.0f64;
            for ((values, frequency), voicing) in
                harmonic.chunks_exact_mut(hop).zip(frequency).zip(voicing)
            {
                let step = f64::from(frequency * (index + 1) as f32 / self.sampling_rate);
                for value in values {
                    cycles += step;
                    let noise = *value * DEVIATION;
                    *value = if *voicing > VOICED {
                        // Rounded before its fraction is taken, as the reference does.
                        let angle = (cycles as f32).fract() * std::f32::consts::TAU;
                        AMPLITUDE * (angle + phase).sin() + noise
                    } else {
                        noise * (AMPLITUDE / (3.0 * DEVIATION))
                    };
                }
            }
            probe.see("source_in", &harmonic);
            sum.iter_mut()
                .zip(&harmonic)
                .for_each(|(sum, value)| *sum += weight * value);
        }
        sum.iter_mut().for_each(|value| *value = value.tanh());
        sum
    }

    /// Adds the excitation to a stage's signal.
    pub(crate) fn add_to(
        &self,
        stage: usize,
        excitation: &[f32],
        x: &mut Plane,
        probe: &mut Probe<'_>,
    ) {
        let Some(down) = self.downs.get(stage) else {
            return;
        };
        let width = down.linear.inputs();
        let mut padded = vec![0.0; down.left];
        padded.extend_from_slice(excitation);
        padded.resize(
            padded
                .len()
                .max((x.length.max(1) - 1) * down.factor + width),
            0.0,
        );
        let mut windows = Vec::with_capacity(x.length * width);
        for position in 0..x.length {
            windows.extend_from_slice(&padded[position * down.factor..][..width]);
        }
        let rows = down.linear.map(&windows);
        let channels = x.channels;
        let column = |channel: usize| rows[channel..].iter().step_by(channels);
        for (channel, x) in x.rows_mut().enumerate() {
            x.iter_mut()
                .zip(column(channel))
                .for_each(|(x, value)| *x += value);
        }
        if probe.is_active() {
            let shown: Vec<f32> = (0..channels).flat_map(column).copied().collect();
            probe.see(&format!("src_{stage}"), &shown);
        }
    }
}
