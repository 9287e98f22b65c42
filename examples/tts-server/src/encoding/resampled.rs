//! Sound at another sample rate than the voice's: a band-limited filter with one set of weights for each place that an
//! output sample can have between two input samples. The ratio is fixed, so nothing is interpolated. A library would
//! bring transforms and ratios that change; these are a few lines.

use std::f32::consts::PI;

use super::{EncodeError, Encoder};

/// Input samples on each side that an output sample is made of, at equal or higher rates.
const WIDTH: usize = 24;
/// The part of the band that is kept; the rest is space for the filter to fall off.
const KEPT: f32 = 0.94;

/// Encodes sound at another rate.
pub(super) struct Resampled {
    inner: Box<dyn Encoder>,
    resampler: Resampler,
}

impl Resampled {
    pub(super) fn new(inner: Box<dyn Encoder>, from: u32, to: u32) -> Self {
        let resampler = Resampler::new(from, to);
        Self { inner, resampler }
    }
}

impl Encoder for Resampled {
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, EncodeError> {
        let samples = self.resampler.push(samples);
        self.inner.encode(&samples)
    }

    fn finish(&mut self) -> Result<Vec<u8>, EncodeError> {
        let samples = self.resampler.finish();
        let mut bytes = self.inner.encode(&samples)?;
        bytes.extend(self.inner.finish()?);
        Ok(bytes)
    }
}

struct Resampler {
    /// Output samples for so many input samples, without common factors.
    up: usize,
    down: usize,
    /// Input samples on each side.
    side: usize,
    /// The weights of `2 * side` input samples for each place between two of them.
    weights: Vec<Vec<f32>>,
    /// Input samples that are still needed.
    input: Vec<f32>,
    /// The place of the next output sample, in parts of `up` from the first sample of `input` that has `side - 1`
    /// before it.
    place: usize,
    taken: usize,
    given: usize,
}

impl Resampler {
    fn new(from: u32, to: u32) -> Self {
        let (from, to) = (from.max(1) as usize, to.max(1) as usize);
        let common = divisor(from, to);
        let (up, down) = (to / common, from / common);
        let cutoff = KEPT * (up as f32 / down as f32).min(1.0);
        let side = WIDTH * down.div_ceil(up);
        let weights = (0..up).map(|part| weights(part as f32 / up as f32, side, cutoff));
        Self {
            up,
            down,
            side,
            weights: weights.collect(),
            // Silence before the first sample.
            input: vec![0.0; side - 1],
            place: 0,
            taken: 0,
            given: 0,
        }
    }

    fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        self.taken += samples.len();
        self.input.extend_from_slice(samples);
        let mut output = Vec::new();
        loop {
            let first = self.place / self.up;
            let window = self.input.get(first..first + 2 * self.side);
            let weights = self.weights.get(self.place % self.up);
            let (Some(window), Some(weights)) = (window, weights) else {
                break;
            };
            output.push(window.iter().zip(weights).map(|(a, b)| a * b).sum());
            self.place += self.down;
        }
        let used = (self.place / self.up).min(self.input.len());
        self.input.drain(..used);
        self.place -= used * self.up;
        self.given += output.len();
        output
    }

    /// Gives what is left: in all as many samples as sound equally long.
    fn finish(&mut self) -> Vec<f32> {
        let whole = (self.taken * self.up).div_ceil(self.down);
        let left = whole.saturating_sub(self.given);
        let mut output = self.push(&vec![0.0; 2 * self.side + self.down]);
        output.truncate(left);
        output
    }
}

/// Returns the weights for an output sample that lies a part behind the input sample in the middle.
fn weights(part: f32, side: usize, cutoff: f32) -> Vec<f32> {
    let width = side as f32;
    let weight = |at: usize| {
        let distance = at as f32 - (width - 1.0) - part;
        let window =
            0.42 + 0.5 * (PI * distance / width).cos() + 0.08 * (2.0 * PI * distance / width).cos();
        if distance.abs() >= width {
            0.0
        } else {
            sinc(cutoff * distance) * window
        }
    };
    let weights: Vec<f32> = (0..2 * side).map(weight).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

fn sinc(x: f32) -> f32 {
    match x.abs() < 1e-6 {
        true => 1.0,
        false => (PI * x).sin() / (PI * x),
    }
}

fn divisor(a: usize, b: usize) -> usize {
    match b {
        0 => a,
        b => divisor(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f32, rate: u32, count: usize) -> Vec<f32> {
        let sample = |at: usize| (2.0 * PI * frequency * at as f32 / rate as f32).sin() * 0.5;
        (0..count).map(sample).collect()
    }

    fn resampled(samples: &[f32], from: u32, to: u32, piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        let mut output = Vec::new();
        for piece in samples.chunks(piece) {
            output.extend(resampler.push(piece));
        }
        output.extend(resampler.finish());
        output
    }

    #[test]
    fn a_tone_stays_the_same_tone_at_another_rate() {
        for (from, to) in [
            (16_000, 24_000),
            (22_050, 24_000),
            (48_000, 24_000),
            (24_000, 24_000),
        ] {
            for frequency in [200.0, 1_000.0, 5_000.0] {
                let count = from as usize / 4;
                let ours = resampled(&tone(frequency, from, count), from, to, 1_000);
                assert_eq!(ours.len(), (count * to as usize).div_ceil(from as usize));
                let expected = tone(frequency, to, ours.len());
                // The ends are cut off from a tone that has none.
                let middle = 200..ours.len() - 200;
                let off = ours[middle.clone()].iter().zip(&expected[middle]);
                let worst = off.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 2e-3, "{from} to {to}, {frequency} Hz: {worst}");
            }
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone() {
        let ours = resampled(&tone(15_000.0, 48_000, 12_000), 48_000, 24_000, 500);
        let worst = ours[200..ours.len() - 200]
            .iter()
            .fold(0.0, |a: f32, b| a.max(b.abs()));
        assert!(worst < 2e-3, "{worst}");
    }

    #[test]
    fn the_pieces_leave_no_trace() {
        for count in [0, 1, 2, 47, 1_601] {
            let sound = tone(440.0, 16_000, count);
            let whole = resampled(&sound, 16_000, 24_000, count.max(1));
            assert_eq!(whole.len(), (count * 3).div_ceil(2));
            for piece in [1, 7, 160] {
                assert_eq!(resampled(&sound, 16_000, 24_000, piece), whole);
            }
        }
    }
}
