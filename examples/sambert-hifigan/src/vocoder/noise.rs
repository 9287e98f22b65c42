//! Where the source's random values come from.

/// The random part of an excitation: a phase for every harmonic and noise for every sample.
pub(crate) trait Excitation {
    /// Returns the phase of a harmonic, in `-pi .. pi`.
    fn phase(&mut self, harmonic: usize) -> f32;

    /// Fills one harmonic's noise, of unit variance.
    fn noise(&mut self, harmonic: usize, values: &mut [f32]);
}

/// Noise that a seed makes repeatable.
#[derive(Clone, Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits of a SplitMix sequence.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in the half-open interval from zero to one, never zero.
    fn uniform(&mut self) -> f32 {
        ((self.next() >> 40) as f32 + 0.5) / (1u32 << 24) as f32
    }
}

impl Excitation for Seeded {
    fn phase(&mut self, _: usize) -> f32 {
        (2.0 * self.uniform() - 1.0) * std::f32::consts::PI
    }

    /// Pairs of normal values by the method of Box and Muller.
    fn noise(&mut self, _: usize, values: &mut [f32]) {
        for pair in values.chunks_mut(2) {
            let radius = (-2.0 * self.uniform().ln()).sqrt();
            let (sine, cosine) = (self.uniform() * std::f32::consts::TAU).sin_cos();
            pair.iter_mut()
                .zip([radius * cosine, radius * sine])
                .for_each(|(value, normal)| *value = normal);
        }
    }
}

/// Values drawn elsewhere, for comparison with the reference; none at all when empty.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) phase: Vec<f32>,
    pub(crate) noise: Vec<f32>,
}

#[cfg(test)]
impl Excitation for Given {
    fn phase(&mut self, harmonic: usize) -> f32 {
        self.phase.get(harmonic).copied().unwrap_or(0.0)
    }

    fn noise(&mut self, harmonic: usize, values: &mut [f32]) {
        let from = harmonic * values.len();
        match self.noise.get(from..from + values.len()) {
            Some(noise) => values.copy_from_slice(noise),
            None => values.fill(0.0),
        }
    }
}
