//! Figures for Prometheus. Labels come from short fixed lists; no text, key or address is among them.

use std::{sync::OnceLock, time::Duration};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::synthesis::{Speech, SpeechError};

const SPOKEN: &str = "tts_texts_total";
const SYNTHESIS: &str = "tts_synthesis_seconds";
const AUDIO: &str = "tts_audio_seconds_total";
const WAITING: &str = "tts_queue_waiting";
const TURNED_AWAY: &str = "tts_queue_full_total";

const BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Installs the recorder of this process, once, and returns what renders it.
pub(crate) fn install() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .expect("there are buckets")
            .build_recorder();
        let handle = recorder.handle();
        // A recorder that is already there keeps its figures, and ours stay empty.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    })
}

fn describe() {
    describe_counter!(
        SPOKEN,
        "Texts that reached a voice, by what became of them."
    );
    describe_histogram!(
        SYNTHESIS,
        Unit::Seconds,
        "How long a voice took for a text."
    );
    describe_counter!(AUDIO, Unit::Seconds, "Sound that was made.");
    describe_gauge!(WAITING, "Texts that wait for a voice.");
    describe_counter!(TURNED_AWAY, "Texts that found the queue full.");
}

/// Notes what became of a text.
pub(crate) fn spoken(answer: &Result<Speech, SpeechError>, took: Duration) {
    let outcome = match answer {
        Ok(_) => "spoken",
        Err(SpeechError::Cancelled) => "cancelled",
        Err(SpeechError::NothingToSpeak) => "nothing_to_speak",
        Err(SpeechError::Broken) => "broken",
    };
    counter!(SPOKEN, "outcome" => outcome).increment(1);
    if let Ok(speech) = answer {
        histogram!(SYNTHESIS).record(took.as_secs_f64());
        // A counter holds whole numbers; a tenth of a second of sound more or less does not matter.
        counter!(AUDIO).increment(speech.seconds.round() as u64);
    }
}

/// Notes how many texts wait.
pub(crate) fn waiting(texts: usize) {
    gauge!(WAITING).set(texts as f64);
}

/// Notes a text that found the queue full.
pub(crate) fn turned_away() {
    counter!(TURNED_AWAY).increment(1);
}
