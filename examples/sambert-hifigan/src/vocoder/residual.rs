//! The residual blocks after each upsampling.

use super::plane::{Padded, Plane, same_padding};
use crate::kernel::{Conv, add};

/// Values of one channel a part of a signal should have, so that its buffers stay in the cache.
const PART: usize = 2048;

/// A residual block: pairs of convolutions, each adding to its input.
#[derive(Debug)]
pub(crate) struct ResidualBlock {
    pairs: Vec<[Conv; 2]>,
    causal: bool,
    slope: f32,
}

impl ResidualBlock {
    pub(crate) const fn new(pairs: Vec<[Conv; 2]>, causal: bool, slope: f32) -> Self {
        Self {
            pairs,
            causal,
            slope,
        }
    }

    /// Positions to the left and right an output depends on.
    fn halo(&self) -> [usize; 2] {
        self.pairs
            .iter()
            .flatten()
            .fold([0, 0], |[left, right], conv| {
                let [l, r] = same_padding(conv, self.causal);
                [left + l, right + r]
            })
    }

    /// Runs over a whole signal in place.
    fn run(&self, x: &mut Plane, buffers: &mut Buffers) {
        let length = x.length;
        for [wide, plain] in &self.pairs {
            let Buffers { padded, middle } = buffers;
            padded.fill(
                x.rows(),
                length,
                same_padding(wide, self.causal),
                self.slope,
            );
            middle.channels = wide.outputs();
            middle.length = length;
            middle.values.resize(wide.outputs() * length, 0.0);
            padded.convolve(wide, 0, length, &mut middle.values, length, false);
            padded.fill(
                middle.rows(),
                length,
                same_padding(plain, self.causal),
                self.slope,
            );
            padded.convolve(plain, 0, length, &mut x.values, length, true);
        }
    }
}

/// Buffers the blocks share.
#[derive(Debug)]
pub(crate) struct Buffers {
    padded: Padded,
    middle: Plane,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self {
            padded: Padded::default(),
            middle: Plane::zeros(0, 0),
        }
    }
}

/// Returns the mean of all blocks over the signal.
///
/// The signal is cut into parts that carry as many neighbors as the blocks can see, so that the result is the
/// same as in one piece while the work stays in the cache. `go_on` is asked before each part.
pub(crate) fn mean_of_blocks(
    blocks: &[ResidualBlock],
    x: &Plane,
    buffers: &mut Buffers,
    go_on: impl Fn() -> bool,
) -> Option<Plane> {
    let part = PART.max(32 * PART / x.channels.max(1));
    mean_by_parts(blocks, x, part, buffers, go_on)
}

fn mean_by_parts(
    blocks: &[ResidualBlock],
    x: &Plane,
    part: usize,
    buffers: &mut Buffers,
    go_on: impl Fn() -> bool,
) -> Option<Plane> {
    let mut y = Plane::zeros(x.channels, x.length);
    let mut local = Plane::zeros(0, 0);
    for start in (0..x.length).step_by(part) {
        let end = (start + part).min(x.length);
        for block in blocks {
            if !go_on() {
                return None;
            }
            let [left, right] = block.halo();
            let (from, to) = (start.saturating_sub(left), (end + right).min(x.length));
            local.channels = x.channels;
            local.length = to - from;
            local.values.clear();
            x.rows()
                .for_each(|row| local.values.extend_from_slice(&row[from..to]));
            block.run(&mut local, buffers);
            for (y, local) in y.rows_mut().zip(local.rows()) {
                add(&mut y[start..end], &local[start - from..end - from]);
            }
        }
    }
    let share = (blocks.len() as f32).recip();
    y.values.iter_mut().for_each(|value| *value *= share);
    Some(y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(taps: usize, dilations: &[usize], causal: bool) -> ResidualBlock {
        let value = |i: usize| ((i * 7919) % 101) as f32 / 400.0 - 0.125;
        let conv = |dilation: usize| {
            let weight: Vec<f32> = (0..4 * 4 * taps).map(|i| value(i + dilation)).collect();
            Conv::new(&weight, &[0.1, -0.2, 0.3, 0.0], [4, 4, taps], dilation)
        };
        let pairs = dilations
            .iter()
            .map(|dilation| [conv(*dilation), conv(1)])
            .collect();
        ResidualBlock::new(pairs, causal, 0.1)
    }

    proptest! {
        #[test]
        fn a_signal_in_parts_gives_what_it_gives_in_one_piece(
            length in 1usize..700,
            part in 1usize..300,
            causal: bool,
        ) {
            let blocks = [block(3, &[1, 3], causal), block(7, &[1, 5], causal)];
            let mut x = Plane::zeros(4, length);
            x.values.iter_mut().enumerate().for_each(|(i, x)| *x = ((i * 31) % 97) as f32 / 48.0 - 1.0);
            let run = |part| mean_by_parts(&blocks, &x, part, &mut Buffers::new(), || true).unwrap();
            let (whole, parts) = (run(length), run(part));
            for (whole, part) in whole.values.iter().zip(&parts.values) {
                prop_assert!((whole - part).abs() < 1e-5);
            }
        }
    }
}
