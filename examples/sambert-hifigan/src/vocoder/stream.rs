//! Vocoding in pieces: frames come as they are made, samples leave as soon as nothing ahead can change them.
//!
//! Every layer carries the end of its input from piece to piece, so that nothing is computed twice and any
//! cutting of the frames gives the very same samples.

use super::{
    generator::Vocoder,
    history::{History, Same},
    noise::Excitation,
    plane::Plane,
    source::Oscillators,
    stage::{Piece, StageState},
};
use crate::{failure::Failure, probe::Probe, stop::StopSignal, thread_team::ThreadTeam};

/// Slope before the last convolution: the default of the framework, unlike everywhere else.
const LAST_SLOPE: f32 = 0.01;

/// One sentence on its way through the generator.
pub(crate) struct Stream {
    oscillators: Option<Oscillators>,
    first: Same,
    stages: Vec<StageState>,
    last: Same,
    bands: Option<History>,
}

impl Vocoder {
    /// Begins a sentence.
    pub(crate) fn start(&self, random: Box<dyn Excitation>) -> Stream {
        Stream {
            oscillators: self.source.as_ref().map(|source| source.start(random)),
            first: Same::new(&self.first, self.causal),
            stages: self.stages.iter().map(|stage| stage.start()).collect(),
            last: Same::new(&self.last, self.causal),
            bands: self.bands.as_ref().map(|bands| bands.start()),
        }
    }

    /// Takes the next frames, `[frames, channels]`, and returns the samples that are certain, between -1 and 1.
    ///
    /// # Errors
    ///
    /// If the stop signal is set; the stream is then of no use.
    pub(crate) fn push(
        &self,
        stream: &mut Stream,
        frames: &[f32],
        end: bool,
        team: &ThreadTeam,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) -> Result<Vec<f32>, Failure> {
        let mut piece = Piece {
            signal: self.enter(stream, frames, end, probe),
            end,
        };
        let mut samples = Vec::new();
        loop {
            if stop.is_set() {
                return Err(Failure::Cancelled);
            }
            let out = if team.is_alone() {
                self.in_turn(stream, piece, stop, probe)
            } else {
                self.at_once(stream, piece, team, stop)
            };
            let done = out.end == end;
            samples.extend(self.leave(stream, &out, probe));
            // Behind the end, what is still between the stages has to come out.
            if done {
                break;
            }
            piece = Piece::default();
        }
        if stop.is_set() {
            return Err(Failure::Cancelled);
        }
        Ok(samples)
    }

    /// Speaks all frames of a sentence in one piece.
    #[cfg(test)]
    pub(crate) fn run(
        &self,
        frames: &[f32],
        random: impl Excitation + 'static,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) -> Result<Vec<f32>, Failure> {
        let stream = &mut self.start(Box::new(random));
        self.push(stream, frames, true, &ThreadTeam::default(), stop, probe)
    }

    /// Makes the excitation and runs the first convolution.
    fn enter(
        &self,
        stream: &mut Stream,
        frames: &[f32],
        end: bool,
        probe: &mut Probe<'_>,
    ) -> Plane {
        let mut rows = transposed(frames, self.channels());
        if let (Some(source), Some(oscillators)) = (&self.source, &mut stream.oscillators) {
            let pitch = rows.rows().nth(self.first.inputs()).unwrap_or_default();
            let voicing = rows.rows().nth(self.first.inputs() + 1).unwrap_or_default();
            let excitation = source.excite(oscillators, [pitch, voicing], self.hop, probe);
            for stage in &mut stream.stages {
                stage.excitation.extend_from_slice(&excitation);
            }
        }
        // The convolution reads the mel channels only.
        rows.channels = self.first.inputs();
        let x = stream.first.push(&self.first, &rows, 1.0, end);
        probe.record("conv_pre", &x.joined());
        x
    }

    /// Runs one stage after the other.
    fn in_turn(
        &self,
        stream: &mut Stream,
        mut piece: Piece,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) -> Piece {
        for (stage, state) in self.stages.iter().zip(&mut stream.stages) {
            state.piece = piece;
            stage.advance(state, &ThreadTeam::default(), stop, probe);
            piece = std::mem::take(&mut state.piece);
        }
        piece
    }

    /// Runs all stages at the same time, each on what the one before made the last time.
    fn at_once(
        &self,
        stream: &mut Stream,
        mut piece: Piece,
        team: &ThreadTeam,
        stop: &StopSignal,
    ) -> Piece {
        for state in &mut stream.stages {
            std::mem::swap(&mut state.piece, &mut piece);
        }
        team.each(&self.stages, &mut stream.stages, |stage, state| {
            stage.advance(state, team, stop, &mut Probe::none());
        });
        let last = stream.stages.last_mut();
        last.map(|state| std::mem::take(&mut state.piece))
            .unwrap_or_default()
    }

    /// Runs the last convolution and joins the bands.
    fn leave(&self, stream: &mut Stream, piece: &Piece, probe: &mut Probe<'_>) -> Vec<f32> {
        let mut y = stream
            .last
            .push(&self.last, &piece.signal, LAST_SLOPE, piece.end);
        probe.record("conv_post", &y.joined());
        y.rows_mut()
            .flatten()
            .for_each(|value| *value = value.tanh());
        let samples = match (&self.bands, &mut stream.bands) {
            (Some(bands), Some(history)) => {
                probe.record("subbands", &y.joined());
                bands.push(history, &y, piece.end)
            }
            _ => y.joined(),
        };
        probe.record("wav", &samples);
        samples
    }
}

/// Turns `[frames, channels]` into rows of channels.
fn transposed(frames: &[f32], channels: usize) -> Plane {
    let mut rows = Plane::zeros(channels, frames.len() / channels);
    for (channel, row) in rows.rows_mut().enumerate() {
        let column = frames.iter().skip(channel).step_by(channels);
        row.iter_mut()
            .zip(column)
            .for_each(|(x, value)| *x = *value);
    }
    rows
}
