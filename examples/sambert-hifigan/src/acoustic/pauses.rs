//! Filled pauses: a model may put a hesitation before a unit.

use super::{encoder::Encoder, neighbors};
use crate::{
    kernel::{LayerNorm, Linear, relu, softmax},
    load::{AcousticParams, Weights},
    probe::Probe,
    units::{Tables, TextIds, Unit},
};

/// Predicts where hesitations go, and knows how they are spoken.
#[derive(Debug)]
pub(crate) struct FilledPauses {
    wide: Linear,
    first_norm: LayerNorm,
    narrow: Linear,
    second_norm: LayerNorm,
    out: Linear,
    phrases: Vec<TextIds>,
    width: usize,
}

/// The hesitations of classes 1 to 3, by their two phones.
const PHRASES: [[&str; 2]; 3] = [["ge", "en_c"], ["ga", "a_c"], ["ge", "e_c"]];

impl FilledPauses {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams, tables: &Tables) -> Self {
        let width = p.encoder_projection_units;
        let inner = p.embedding_dim / 2;
        let wide = neighbors::layer(weights, "FP_predictor.w_1", inner, width);
        let mut phrases = Vec::new();
        for phones in PHRASES {
            match tables.encode_text(&phrase(phones)) {
                Ok(ids) => phrases.push(ids),
                Err(symbol) => {
                    weights.problem(format!("no id for {symbol}, which filled pauses need"))
                }
            }
        }
        Self {
            wide,
            first_norm: weights.layer_norm("FP_predictor.layer_norm1", inner),
            narrow: weights.linear("FP_predictor.w_2", width, inner, &[1], true),
            second_norm: weights.layer_norm("FP_predictor.layer_norm2", width),
            out: weights.linear("FP_predictor.fc", 4, width, &[], true),
            phrases,
            width,
        }
    }

    /// Inserts three rows before every unit that gets a hesitation; nothing where the encoder has no such units.
    pub(crate) fn insert(
        &self,
        encoder: &Encoder,
        text: &[f32],
        probe: &mut Probe<'_>,
    ) -> Option<Vec<f32>> {
        let mut inserted = Vec::new();
        for (class, row) in self
            .classes(text, probe)
            .into_iter()
            .zip(text.chunks_exact(self.width))
        {
            if let Some(phrase) = class
                .checked_sub(1)
                .and_then(|index| self.phrases.get(index))
            {
                inserted.extend(encoder.run(phrase, &mut Probe::none())?);
            }
            inserted.extend_from_slice(row);
        }
        Some(inserted)
    }

    fn classes(&self, text: &[f32], probe: &mut Probe<'_>) -> Vec<usize> {
        let mut wide = self.wide.map(&neighbors::beside(text, self.width));
        relu(&mut wide);
        let mut narrow = self.narrow.map(&self.first_norm.map(&wide));
        relu(&mut narrow);
        let mut scores = self.out.map(&self.second_norm.map(&narrow));
        scores.chunks_exact_mut(4).for_each(softmax);
        probe.record("fp_probs", &scores);
        let best = |row: &[f32]| {
            (1..4).fold(
                0,
                |best, class| if row[class] > row[best] { class } else { best },
            )
        };
        scores.chunks_exact(4).map(best).collect()
    }
}

fn phrase(phones: [&'static str; 2]) -> [Unit; 3] {
    let unit =
        |phone: &'static str, tone: &'static str, flag: &'static str, segment: &'static str| Unit {
            phone: phone.into(),
            tone: tone.into(),
            flag: flag.into(),
            segment: segment.into(),
            emotion: "emotion_none".into(),
            speaker: "".into(),
        };
    let [first, second] = phones;
    [
        unit(first, "tone5", "s_begin", "word_begin"),
        unit(second, "tone5", "s_end", "word_end"),
        unit("#3", "tone_none", "s_none", "word_none"),
    ]
}
