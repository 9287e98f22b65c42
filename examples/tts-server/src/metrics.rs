//! Figures for Prometheus. Labels come from short fixed lists; no text, key or address is among them.

use std::{sync::OnceLock, time::Duration};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const SPOKEN: &str = "tts_texts_total";
const SYNTHESIS: &str = "tts_synthesis_seconds";
const AUDIO: &str = "tts_audio_milliseconds_total";
const WAITING: &str = "tts_queue_waiting";
const PARKED: &str = "tts_parked";
const LISTENERS: &str = "tts_listeners";
const TURNED_AWAY: &str = "tts_queue_full_total";
const CUT_OFF: &str = "tts_cut_off_total";

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
        "How long a voice worked for a text."
    );
    describe_counter!(AUDIO, Unit::Milliseconds, "Sound that was made.");
    describe_gauge!(WAITING, "Texts that wait for a voice.");
    describe_gauge!(PARKED, "Texts that wait for their client to read.");
    describe_gauge!(LISTENERS, "Clients that are being answered with sound.");
    describe_counter!(TURNED_AWAY, "Texts that found no place.");
    describe_counter!(CUT_OFF, "Slow readers that gave their place up.");
}

/// Counts a text that a voice has spoken, and records how long it worked for it.
pub(crate) fn spoken(took: Duration) {
    counter!(SPOKEN, "outcome" => "spoken").increment(1);
    histogram!(SYNTHESIS).record(took.as_secs_f64());
}

/// Counts a text that reached a voice and was not spoken to its end.
pub(crate) fn not_spoken(outcome: &'static str) {
    counter!(SPOKEN, "outcome" => outcome).increment(1);
}

/// Counts sound that was made.
pub(crate) fn made(sound: Duration) {
    // A counter holds whole numbers.
    counter!(AUDIO).increment(u64::try_from(sound.as_millis()).unwrap_or(0));
}

/// Sets how many texts wait for a voice or for their client, and how many clients there are.
pub(crate) fn under_way(waiting: usize, parked: usize, listeners: usize) {
    gauge!(WAITING).set(waiting as f64);
    gauge!(PARKED).set(parked as f64);
    gauge!(LISTENERS).set(listeners as f64);
}

/// Counts a slow reader that gave its place up.
pub(crate) fn cut_off() {
    counter!(CUT_OFF).increment(1);
}

/// Counts a text that found no place.
pub(crate) fn turned_away() {
    counter!(TURNED_AWAY).increment(1);
}
