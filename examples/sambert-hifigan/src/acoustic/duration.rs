//! Durations, each predicted from the one before.

use crate::{
    kernel::{Linear, Lstm, exp_bounded, relu},
    load::{AcousticParams, Weights},
};

/// The auto-regressive duration predictor.
#[derive(Debug)]
pub(crate) struct DurationPredictor {
    prenet: Vec<Linear>,
    first: Lstm,
    second: Lstm,
    out: Linear,
}

impl DurationPredictor {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams) -> Self {
        let name = "variance_adaptor.duration_predictor";
        let units = p.dur_pred_lstm_units;
        let condition = p.encoder_projection_units + p.speaker_units + p.emotion_units;
        let mut inputs = 1;
        let mut prenet = Vec::new();
        for (index, outputs) in p.dur_pred_prenet_units.iter().enumerate() {
            // The list counts every linear layer, rectifier and dropout.
            let layer = format!("{name}.prenet.fcs.{}", 3 * index);
            prenet.push(weights.linear(&layer, *outputs, inputs, &[], true));
            inputs = *outputs;
        }
        Self {
            prenet,
            first: weights.lstm(&format!("{name}.lstm"), "l0", inputs + condition, units),
            second: weights.lstm(&format!("{name}.lstm"), "l1", units, units),
            out: weights.linear(&format!("{name}.fc"), 1, units, &[], true),
        }
    }

    /// Predicts the logarithm of each unit's frames plus one, from rows of text, speaker and emotion.
    pub(crate) fn run(&self, conditions: &[f32], width: usize) -> Vec<f32> {
        let (mut first, mut second) = (self.first.start(), self.second.start());
        let mut last = 0.0;
        let mut logs = Vec::new();
        for condition in conditions.chunks_exact(width) {
            let mut x = vec![last];
            for layer in &self.prenet {
                x = layer.map(&x);
                relu(&mut x);
            }
            x.extend_from_slice(condition);
            self.first.step(&x, &mut first);
            self.second.step(&first.hidden, &mut second);
            let mut value = [0.0];
            self.out.apply(&second.hidden, &mut value);
            last = value[0].max(0.0);
            logs.push(last);
        }
        logs
    }
}

/// Turns log durations into frames, not yet rounded.
pub(crate) fn frames_of(logs: &[f32]) -> Vec<f32> {
    logs.iter().map(|log| exp_bounded(*log) - 1.0).collect()
}
