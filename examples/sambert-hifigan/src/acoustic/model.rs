//! The acoustic model as a whole.

use checkpoint::Tensors;

use super::{
    decoder::Decoder,
    duration::{DurationPredictor, frames_of},
    encoder::{Encoder, special_rows},
    frequency::Frequency,
    length::{LengthRegulator, Rows, Widths},
    pauses::FilledPauses,
    postnet::Postnet,
    predictor::Predictor,
    speakers::{Speakers, look_up},
};
use crate::{
    failure::Failure,
    kernel::add,
    load::{AcousticConfig, LoadError, Statistics, Weights},
    probe::Probe,
    stop::StopSignal,
    units::{Ids, Tables},
};

/// Frames one sentence may have: 75 seconds at the usual hop, at which its memory is some 120 MB. Damaged weights
/// can predict any number.
const FRAME_LIMIT: usize = 6_000;

/// SAM-BERT.
#[derive(Debug)]
pub(crate) struct Acoustic {
    encoder: Encoder,
    speakers: Speakers,
    emotions: Vec<f32>,
    pauses: Option<FilledPauses>,
    pitch: Predictor,
    energy: Predictor,
    duration: DurationPredictor,
    regulator: LengthRegulator,
    pub(super) decoder: Decoder,
    postnet: Postnet,
    frequency: Option<Frequency>,
    widths: Widths,
    step: usize,
    mels: usize,
    parameters: usize,
}

/// Frames of a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Mel {
    /// `[frames, channels]`, ready for the vocoder.
    pub(crate) values: Vec<f32>,
    pub(crate) channels: usize,
    /// Frames of each unit.
    pub(crate) durations: Vec<usize>,
}

impl Acoustic {
    /// Builds the model from a checkpoint's tensors.
    pub(crate) fn load(
        file: &str,
        config: &AcousticConfig,
        tensors: Tensors,
        statistics: &Statistics,
        tables: &Tables,
    ) -> Result<Self, LoadError> {
        let p = config.params();
        let weights = Weights::new(file, tensors);
        let [.., emotion_count, speaker_count] = tables.sizes();
        let rows = special_rows(&weights, "emo_tokenizer.weight", emotion_count);
        let emotions = weights
            .values("emo_tokenizer.weight", &[rows, p.emotion_units])
            .unwrap_or_default();
        let encoder = Encoder::load(&weights, p, tables);
        let model = Self {
            encoder,
            speakers: Speakers::load(&weights, p, statistics, speaker_count),
            emotions,
            pauses: p.fp.then(|| FilledPauses::load(&weights, p, tables)),
            pitch: Predictor::load(&weights, p, "pitch"),
            energy: Predictor::load(&weights, p, "energy"),
            duration: DurationPredictor::load(&weights, p),
            regulator: LengthRegulator::load(&weights, p),
            decoder: Decoder::load(&weights, p),
            postnet: Postnet::load(&weights, p),
            frequency: Frequency::of(p, statistics, &weights),
            widths: Widths {
                text: p.encoder_projection_units,
                speaker: p.speaker_units,
                emotion: p.emotion_units,
            },
            step: p.outputs_per_step,
            mels: p.num_mels,
            parameters: weights.parameters(),
        };
        weights.finish()?;
        Ok(model)
    }

    /// Returns the number of weights.
    pub(crate) const fn parameters(&self) -> usize {
        self.parameters
    }

    /// Speaks one sentence as mel frames, `speed` times as fast as trained.
    ///
    /// # Errors
    ///
    /// If the stop signal is set, or if the sentence gets no frames or more than a sentence can have.
    pub(crate) fn run(
        &self,
        ids: &Ids,
        speed: f32,
        stop: &StopSignal,
        probe: &mut Probe<'_>,
    ) -> Result<Mel, Failure> {
        let rows = self.features(ids, probe)?;
        let (rows, frames) = self.prosody(rows, probe);
        let frames: Vec<f32> = frames.into_iter().map(|frames| frames / speed).collect();
        let durations: Vec<usize> = frames
            .iter()
            .map(|frames| (frames + 0.5).floor().max(0.0) as usize)
            .collect();
        let total = durations
            .iter()
            .fold(0, |sum: usize, frames| sum.saturating_add(*frames));
        match total {
            0 => return Err(Failure::Empty),
            1..=FRAME_LIMIT => {}
            _ => {
                return Err(Failure::Model(format!(
                    "the model wants {total} frames for one sentence"
                )));
            }
        }
        let memory = self.memory(&rows, &durations, probe);
        let longest = frames.iter().copied().fold(0.0, f32::max);
        let band = (longest / self.step as f32 + 0.5) as usize;
        let mut values = self.decoder.run(&memory, band, stop, probe)?;
        values.truncate(total * self.mels);
        probe.record("dec_mel", &values);
        self.postnet.run(&mut values, probe);
        probe.record("post_mel", &values);
        if let Some(frequency) = self.frequency {
            frequency.restore(&mut values, self.mels);
            probe.record("mel_denorm", &values);
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Failure::Model(
                "the model computed values that are not finite".to_owned(),
            ));
        }
        Ok(Mel {
            values,
            channels: self.mels,
            durations,
        })
    }

    /// Encodes the text and looks emotion and speaker up.
    fn features(&self, ids: &Ids, probe: &mut Probe<'_>) -> Result<Rows, Failure> {
        let unknown = || Failure::Model("a unit is not in the model".to_owned());
        let text = self.encoder.run(&ids.text, probe).ok_or_else(unknown)?;
        let text = match &self.pauses {
            Some(pauses) => pauses
                .insert(&self.encoder, &text, probe)
                .ok_or_else(unknown)?,
            None => text,
        };
        // Inserted pauses lengthen the text only; emotion and speaker start over from their beginning.
        let count = text.len() / self.widths.text;
        let emotion = look_up(&self.emotions, self.widths.emotion, &ids.emotion, count);
        let speaker = self.speakers.rows(self.widths.speaker, &ids.speaker, count);
        let rows = Rows {
            text,
            speaker: speaker
                .ok_or_else(|| Failure::Model("the speaker is not in the model".to_owned()))?,
            emotion: emotion
                .ok_or_else(|| Failure::Model("the emotion is not in the model".to_owned()))?,
        };
        probe.record("va_text", &rows.text);
        probe.record("va_emo", &rows.emotion);
        probe.record("va_spk", &rows.speaker);
        Ok(rows)
    }

    /// Adds pitch and energy to the text and predicts the frames of each unit.
    fn prosody(&self, mut rows: Rows, probe: &mut Probe<'_>) -> (Rows, Vec<f32>) {
        let count = rows.text.len() / self.widths.text;
        let joined = rows.beside(self.widths);
        for (name, predictor) in [("pitch", &self.pitch), ("energy", &self.energy)] {
            let (memory, values) = predictor.run(&joined, count);
            probe.record(&format!("{name}_fsmn"), &memory);
            probe.record(name, &values);
            let embedded = predictor.embed(&values);
            probe.record(&format!("{name}_emb"), &embedded);
            add(&mut rows.text, &embedded);
        }
        let logs = self
            .duration
            .run(&rows.beside(self.widths), self.widths.total());
        probe.record("log_duration", &logs);
        let frames = frames_of(&logs);
        probe.record("duration", &frames);
        (rows, frames)
    }

    /// Stretches the features over the frames and groups them for the decoder.
    fn memory(&self, rows: &Rows, durations: &[usize], probe: &mut Probe<'_>) -> Vec<f32> {
        let positions = self.regulator.positions(durations);
        probe.record("dur_pos_emb", &positions);
        let mut stretched = Rows {
            text: self
                .regulator
                .repeat(&rows.text, self.widths.text, durations),
            speaker: self
                .regulator
                .repeat(&rows.speaker, self.widths.speaker, durations),
            emotion: self
                .regulator
                .repeat(&rows.emotion, self.widths.emotion, durations),
        };
        add(&mut stretched.text, &positions);
        probe.record("lr_text", &stretched.text);
        probe.record("lr_emo", &stretched.emotion);
        probe.record("lr_spk", &stretched.speaker);
        let memory = self.regulator.memory(&stretched, self.widths);
        probe.record("memory", &memory);
        memory
    }
}
