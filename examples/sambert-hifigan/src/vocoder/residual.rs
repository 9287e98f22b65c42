//! The residual blocks after each upsampling.

use super::{
    history::{History, Same},
    plane::Plane,
    spare_buffers::{Buffers, SpareBuffers},
};
use crate::{
    kernel::{Conv, add},
    stop::StopSignal,
};

/// Values of one channel a part of a signal should have, so that its buffers stay in the cache.
const PART: usize = 2048;

/// A residual block: pairs of convolutions, each adding to its input.
#[derive(Debug)]
pub(super) struct ResidualBlock {
    pairs: Vec<[Conv; 2]>,
    causal: bool,
    slope: f32,
    spare: SpareBuffers,
}

/// What a block carries from piece to piece.
#[derive(Debug)]
pub(super) struct BlockState {
    pairs: Vec<PairState>,
    /// The values that are computed and not yet fetched.
    done: History,
}

#[derive(Debug)]
struct PairState {
    wide: Same,
    plain: Same,
    /// The input that the convolutions' later answers are added to.
    input: History,
}

impl ResidualBlock {
    pub(super) fn new(pairs: Vec<[Conv; 2]>, causal: bool, slope: f32) -> Self {
        Self {
            pairs,
            causal,
            slope,
            spare: SpareBuffers::default(),
        }
    }

    pub(super) fn start(&self, channels: usize) -> BlockState {
        let pair = |[wide, plain]: &[Conv; 2]| PairState {
            wide: Same::new(wide, self.causal),
            plain: Same::new(plain, self.causal),
            input: History::new(channels, 0),
        };
        BlockState {
            pairs: self.pairs.iter().map(pair).collect(),
            done: History::new(channels, 0),
        }
    }

    /// Takes the next piece of the signal, in parts that fit the cache; a set signal leaves the rest undone.
    pub(super) fn push(&self, state: &mut BlockState, x: &Plane, end: bool, stop: &StopSignal) {
        let part = PART.max(32 * PART / x.channels.max(1));
        let mut buffers = self.spare.take();
        let mut from = 0;
        while !stop.is_set() {
            let to = (from + part).min(x.length);
            buffers.x.copy(x, from..to);
            self.run(state, &mut buffers, end && to == x.length);
            from = to;
            if to == x.length {
                break;
            }
        }
        self.spare.give_back(buffers);
    }

    fn run(&self, state: &mut BlockState, buffers: &mut Buffers, end: bool) {
        let BlockState { pairs, done } = state;
        let Buffers {
            x,
            y,
            joined,
            middle,
        } = buffers;
        for ([wide, plain], pair) in self.pairs.iter().zip(pairs) {
            let ready = pair.wide.feed(wide, x, self.slope, end, joined);
            middle.convolve(wide, joined, 0, ready);
            let ready = pair.plain.feed(plain, middle, self.slope, end, joined);
            pair.input.join(x, 1.0, 0, y);
            y.add_convolved(plain, joined, ready);
            pair.input.keep(y, ready);
            y.shorten(ready);
            std::mem::swap(x, y);
        }
        done.append(x, y);
    }
}

/// Takes what all blocks have computed, averaged.
pub(super) fn take_mean(blocks: &mut [BlockState]) -> Plane {
    let ready = blocks.iter().map(|block| block.done.length()).min();
    let share = (blocks.len() as f32).recip();
    let mut parts = blocks
        .iter_mut()
        .map(|block| block.done.take(ready.unwrap_or(0)));
    let mut sum = parts.next().unwrap_or_default();
    for part in parts {
        for (sum, part) in sum.rows_mut().zip(part.rows()) {
            add(sum, part);
        }
    }
    sum.rows_mut()
        .for_each(|row| row.iter_mut().for_each(|value| *value *= share));
    sum
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
        fn a_signal_in_pieces_gives_what_it_gives_in_one(
            pieces in proptest::collection::vec(0usize..300, 1..6),
            causal: bool,
        ) {
            let blocks = [block(3, &[1, 3], causal), block(7, &[1, 5], causal)];
            let mut whole = Plane::zeros(4, pieces.iter().sum());
            for (channel, row) in whole.rows_mut().enumerate() {
                row.iter_mut()
                    .enumerate()
                    .for_each(|(i, x)| *x = ((i * 31 + channel) % 97) as f32 / 48.0 - 1.0);
            }
            let run = |pieces: &[usize]| {
                let mut states: Vec<_> = blocks.iter().map(|block| block.start(4)).collect();
                let (mut rows, mut from) = (vec![Vec::new(); 4], 0);
                for (index, piece) in pieces.iter().enumerate() {
                    let mut x = Plane::default();
                    x.copy(&whole, from..from + piece);
                    from += piece;
                    for (block, state) in blocks.iter().zip(&mut states) {
                        block.push(state, &x, index + 1 == pieces.len(), &StopSignal::new());
                    }
                    let mean = take_mean(&mut states);
                    rows.iter_mut().zip(mean.rows()).for_each(|(all, row)| all.extend_from_slice(row));
                }
                rows
            };
            prop_assert_eq!(run(&pieces), run(&[whole.length]));
        }
    }
}
