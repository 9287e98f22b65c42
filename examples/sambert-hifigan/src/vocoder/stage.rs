//! One stage of the generator: upsampling, excitation, residual blocks.

use super::{
    history::History,
    plane::Plane,
    residual::{BlockState, ResidualBlock, take_mean},
    source::Down,
    upsample::Upsample,
};
use crate::{kernel::sine_shift, probe::Probe, stop::StopSignal, thread_team::ThreadTeam};

/// A stage's layers.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) upsample: Upsample,
    /// The two branches apart, for the tests that compare each with the reference.
    #[cfg(test)]
    pub(super) apart: [Upsample; 2],
    pub(super) down: Option<Down>,
    pub(super) blocks: Vec<ResidualBlock>,
    pub(super) slope: f32,
    /// The stage's place, by which a probe tells it from others.
    pub(super) index: usize,
}

/// A stretch of a signal on its way through the stages.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) signal: Plane,
    /// Whether the signal ends here.
    pub(super) end: bool,
}

/// What a stage carries from piece to piece.
#[derive(Debug)]
pub(super) struct StageState {
    upsample: History,
    /// Samples of the excitation that are still to be added.
    pub(super) excitation: Vec<f32>,
    /// Upsampled values that wait for their excitation.
    waiting: History,
    blocks: Vec<BlockState>,
    /// The stage's next input, then its output.
    pub(super) piece: Piece,
}

impl Stage {
    pub(super) fn start(&self) -> StageState {
        let channels = self.upsample.outputs();
        let blocks = self.blocks.iter();
        StageState {
            upsample: self.upsample.start(),
            excitation: self.down.as_ref().map(Down::start).unwrap_or_default(),
            waiting: History::new(channels, 0),
            blocks: blocks.map(|block| block.start(channels)).collect(),
            piece: Piece::default(),
        }
    }

    /// Turns the state's piece into the next piece of the stage's output.
    pub(super) fn advance(
        &self,
        state: &mut StageState,
        team: &ThreadTeam,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) {
        let end = state.piece.end;
        let x = &mut state.piece.signal;
        x.rows_mut().for_each(sine_shift);
        #[cfg(test)]
        if probe.is_active() {
            probe.record(
                &format!("rep_{}", self.index),
                &self.apart[0].run(x, self.slope).joined(),
            );
            probe.record(
                &format!("up_{}", self.index),
                &self.apart[1].run(x, self.slope).joined(),
            );
        }
        let mut x = self.upsample.push(&mut state.upsample, x, self.slope, end);
        if let Some(down) = &self.down {
            state.waiting.append(&x, &mut Plane::default());
            let waiting = state.waiting.length();
            let ready = if end {
                waiting
            } else {
                waiting.min(down.ready(&state.excitation))
            };
            x = state.waiting.take(ready);
            let added = down.add_to(&mut state.excitation, &mut x);
            if probe.is_active() {
                probe.record(&format!("src_{}", self.index), &added.joined());
            }
        }
        team.each(&self.blocks, &mut state.blocks, |block, state| {
            block.push(state, &x, end, stop);
        });
        state.piece.signal = take_mean(&mut state.blocks);
        if probe.is_active() {
            probe.record(
                &format!("stage_{}", self.index),
                &state.piece.signal.joined(),
            );
        }
    }
}
