//! The postnet: a correction of the decoder's frames that sees both sides.

use super::fsmn::{Fsmn, FsmnShape};
use crate::{
    kernel::{Linear, Lstm, add},
    load::{AcousticParams, Weights},
    probe::Probe,
};

/// Adds detail to decoded frames.
#[derive(Debug)]
pub(crate) struct Postnet {
    fsmn: Fsmn,
    lstm: Lstm,
    out: Linear,
}

impl Postnet {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams) -> Self {
        let memory = p.postnet_num_memory_units;
        let shape = FsmnShape {
            layers: p.postnet_fsmn_num_layers,
            inputs: p.num_mels,
            inner: p.postnet_ffn_inner_dim,
            width: memory,
            filter: p.postnet_filter_size,
            shift: &p.postnet_shift,
        };
        Self {
            fsmn: Fsmn::load(weights, "mel_postnet.fsmn", &shape),
            lstm: weights.lstm("mel_postnet.lstm", "l0", memory, p.postnet_lstm_units),
            out: weights.linear(
                "mel_postnet.fc",
                p.num_mels,
                p.postnet_lstm_units,
                &[],
                true,
            ),
        }
    }

    /// Corrects the frames in place.
    pub(crate) fn run(&self, frames: &mut [f32], probe: &mut Probe<'_>) {
        let memory = self.fsmn.run(frames);
        probe.record("post_fsmn", &memory);
        let units = self.lstm.units();
        let mut hidden = vec![0.0; frames.len() / self.out.outputs() * units];
        self.lstm.run(&memory, &mut hidden, units, 0, false);
        probe.record("post_lstm", &hidden);
        let residual = self.out.map(&hidden);
        probe.record("post_residual", &residual);
        add(frames, &residual);
    }
}
