//! Where the source's random values come from.

/// The random part of an excitation: a phase for every harmonic and noise for every sample.
pub(crate) trait Excitation: Send {
    /// Returns the phase of a harmonic, in `-pi .. pi`; asked once, before its noise.
    fn phase(&mut self, harmonic: usize) -> f32;

    /// Fills the next values of one harmonic's noise, of unit variance.
    fn noise(&mut self, harmonic: usize, values: &mut [f32]);
}

/// Noise that a seed makes repeatable, in whatever pieces it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Seeded {
    seed: u64,
    harmonics: Vec<Normal>,
}

/// The noise of one harmonic.
#[derive(Clone, Debug)]
struct Normal {
    state: u64,
    /// The second value of a pair of which one was taken.
    spare: Option<f32>,
}

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            harmonics: Vec::new(),
        }
    }

    fn harmonic(&mut self, harmonic: usize) -> &mut Normal {
        while self.harmonics.len() <= harmonic {
            let state = mixed(self.seed ^ mixed(self.harmonics.len() as u64 + 1));
            self.harmonics.push(Normal { state, spare: None });
        }
        &mut self.harmonics[harmonic]
    }
}

impl Normal {
    /// Uniform in the half-open interval from zero to one, never zero.
    fn uniform(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((mixed(self.state) >> 40) as f32 + 0.5) / (1u32 << 24) as f32
    }

    /// A normal value; they come in pairs by the method of Box and Muller.
    fn next(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sine, cosine) = (self.uniform() * std::f32::consts::TAU).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }
}

/// The mixing step of a SplitMix sequence.
const fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Excitation for Seeded {
    fn phase(&mut self, harmonic: usize) -> f32 {
        (2.0 * self.harmonic(harmonic).uniform() - 1.0) * std::f32::consts::PI
    }

    fn noise(&mut self, harmonic: usize, values: &mut [f32]) {
        let normal = self.harmonic(harmonic);
        values.iter_mut().for_each(|value| *value = normal.next());
    }
}

/// Values drawn elsewhere, for comparison with the reference; none at all when empty.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) phase: Vec<f32>,
    /// One harmonic after the other.
    pub(crate) noise: Vec<f32>,
    /// Values of each harmonic that were taken.
    pub(crate) taken: Vec<usize>,
}

#[cfg(test)]
impl Excitation for Given {
    fn phase(&mut self, harmonic: usize) -> f32 {
        self.phase.get(harmonic).copied().unwrap_or(0.0)
    }

    fn noise(&mut self, harmonic: usize, values: &mut [f32]) {
        self.taken.resize(self.taken.len().max(harmonic + 1), 0);
        let length = self.noise.len() / self.phase.len().max(1);
        let from = harmonic * length + self.taken[harmonic];
        self.taken[harmonic] += values.len();
        match self.noise.get(from..from + values.len()) {
            Some(noise) => values.copy_from_slice(noise),
            None => values.fill(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_in_pieces_is_the_same_noise_and_of_unit_variance() {
        let mut whole = vec![0.0; 20_001];
        Seeded::new(5).noise(3, &mut whole);
        let (mut pieces, mut random) = (vec![0.0; 20_001], Seeded::new(5));
        pieces
            .chunks_mut(7)
            .for_each(|piece| random.noise(3, piece));
        assert_eq!(whole, pieces);
        let variance = whole.iter().map(|x| x * x).sum::<f32>() / whole.len() as f32;
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn harmonics_and_seeds_differ() {
        let first = |seed, harmonic| Seeded::new(seed).phase(harmonic);
        assert!(first(1, 0) != first(1, 1) && first(1, 0) != first(2, 0));
    }
}
