//! What speech sounds like, as far as numbers tell.

use sambert_hifigan::{Emotion, SpeakError, StopSignal, Style, Voice};

fn speak(voice: &Voice, text: &str, style: &Style) -> Vec<f32> {
    let plan = voice.plan(text, style).unwrap();
    voice
        .speak(&plan, &StopSignal::new())
        .flat_map(Result::unwrap)
        .collect()
}

fn level(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
}

/// The mean fundamental frequency over the loud parts, by autocorrelation.
fn pitch(samples: &[f32]) -> f32 {
    let loud = level(samples);
    let mut found = Vec::new();
    for window in samples
        .chunks_exact(800)
        .filter(|window| level(window) > loud)
    {
        let correlate = |lag: usize| {
            window
                .iter()
                .zip(&window[lag..])
                .map(|(a, b)| a * b)
                .sum::<f32>()
        };
        let best = (40..200)
            .max_by(|a, b| correlate(*a).total_cmp(&correlate(*b)))
            .unwrap();
        if correlate(best) > 0.5 * correlate(0) {
            found.push(16_000.0 / best as f32);
        }
    }
    found.iter().sum::<f32>() / found.len() as f32
}

const SENTENCE: &str = "今天天气很好，我们去公园玩吧。";

#[test]
fn speech_is_as_long_as_its_sentence_and_neither_silent_nor_clipped() {
    let voice = Voice::demo().unwrap();
    let samples = speak(&voice, SENTENCE, &Style::default());
    let seconds = samples.len() as f32 / voice.sample_rate() as f32;
    assert!((3.0..4.0).contains(&seconds), "{seconds} s");
    assert!((0.03..0.1).contains(&level(&samples)));
    assert!(samples.iter().all(|sample| sample.abs() < 1.0));
    assert!(
        (200.0..280.0).contains(&pitch(&samples)),
        "{} Hz",
        pitch(&samples)
    );
}

#[test]
fn every_emotion_sounds_unlike_every_other() {
    let voice = Voice::demo().unwrap();
    let measure = |emotion: &Emotion| {
        let samples = speak(&voice, SENTENCE, &Style::default().with_emotion(*emotion));
        (
            *emotion,
            samples.len() as f32 / 16_000.0,
            pitch(&samples),
            level(&samples),
        )
    };
    let measured: Vec<_> = voice.emotions().iter().map(measure).collect();
    assert_eq!(measured.len(), 7);
    for (index, a) in measured.iter().enumerate() {
        for b in &measured[index + 1..] {
            let apart =
                (a.1 - b.1).abs() > 0.1 || (a.2 - b.2).abs() > 8.0 || (a.3 / b.3).ln().abs() > 0.1;
            assert!(apart, "{a:?} and {b:?}");
        }
    }
    let of = |emotion| {
        measured
            .iter()
            .find(|measured| measured.0 == emotion)
            .unwrap()
    };
    assert!(
        of(Emotion::Sad).1 > of(Emotion::Neutral).1 && of(Emotion::Sad).2 < of(Emotion::Neutral).2
    );
    assert!(of(Emotion::Happy).2 > of(Emotion::Neutral).2 + 15.0);
    assert!(of(Emotion::Angry).3 > of(Emotion::Neutral).3 * 1.2);
}

#[test]
fn speed_changes_the_length() {
    let voice = Voice::demo().unwrap();
    let length = |speed| {
        speak(
            &voice,
            SENTENCE,
            &Style::default().with_speed(speed).unwrap(),
        )
        .len() as f32
    };
    let normal = length(1.0);
    assert!((normal / length(2.0) - 2.0).abs() < 0.15);
    assert!((length(0.5) / normal - 2.0).abs() < 0.15);
}

#[test]
fn equal_seeds_give_equal_samples_and_others_do_not() {
    let voice = Voice::demo().unwrap();
    let samples = |seed| speak(&voice, "你好。", &Style::default().with_seed(seed));
    assert_eq!(samples(1), samples(1));
    assert_ne!(samples(1), samples(2));
}

#[test]
fn sentences_are_set_apart_by_silence() {
    let voice = Voice::demo().unwrap();
    let plan = voice.plan("你好。再见。", &Style::default()).unwrap();
    let samples: Vec<f32> = voice
        .speak(&plan, &StopSignal::new())
        .flat_map(Result::unwrap)
        .collect();
    let silences: Vec<_> = samples
        .chunk_by(|a, b| *a == 0.0 && *b == 0.0)
        .map(<[f32]>::len)
        .filter(|silence| *silence > 100)
        .collect();
    // 0.28 seconds between the sentences and none behind the last.
    assert_eq!(silences, [4480]);
    assert!(samples.last().unwrap().abs() < 0.1 && samples[samples.len() - 1] != 0.0);
}

#[test]
fn the_first_chunk_is_short_and_none_is_long() {
    let voice = Voice::demo().unwrap();
    let text = "今天天气很好，我们去公园玩吧。".repeat(3);
    let plan = voice.plan(&text, &Style::default()).unwrap();
    let lengths: Vec<_> = voice
        .speak(&plan, &StopSignal::new())
        .map(|chunk| chunk.unwrap().len())
        .collect();
    let (last, others) = lengths.split_last().unwrap();
    assert_eq!(lengths[0], 3200);
    assert!(
        others[1..].iter().all(|length| *length == 8000),
        "{lengths:?}"
    );
    assert!((1..=8000).contains(last) && lengths.len() > 15);
}

#[test]
fn a_set_signal_stops_speech_and_it_stays_stopped() {
    let voice = Voice::demo().unwrap();
    let plan = voice.plan("你好。再见。", &Style::default()).unwrap();
    let stop = StopSignal::new();
    let mut speech = voice.speak(&plan, &stop);
    assert!(speech.next().unwrap().is_ok());
    stop.clone().set();
    assert_eq!(speech.next(), Some(Err(SpeakError::Cancelled)));
    assert_eq!(speech.next(), None);
}

#[test]
fn speech_outlives_what_it_was_made_of_and_moves_to_another_thread() {
    let speech = {
        let voice = Voice::demo().unwrap();
        let plan = voice.plan("你好。", &Style::default()).unwrap();
        voice.clone().speak(&plan, &StopSignal::new())
    };
    let speaking = std::thread::spawn(|| speech.map(|chunk| chunk.unwrap().len()).sum::<usize>());
    assert!(speaking.join().unwrap() > 3_000);
}

#[test]
fn threads_share_one_voice() {
    let voice = Voice::demo().unwrap();
    let alone = speak(&voice, "你好。", &Style::default());
    std::thread::scope(|scope| {
        let speakers: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| speak(&voice, "你好。", &Style::default())))
            .collect();
        for speaker in speakers {
            assert_eq!(speaker.join().unwrap(), alone);
        }
    });
}

#[test]
fn what_is_kept_does_not_grow_with_the_text() {
    let voice = Voice::demo().unwrap();
    let kept = |sentences: usize| {
        let text = "今天天气很好，我们去公园玩吧。".repeat(sentences);
        let plan = voice.plan(&text, &Style::default()).unwrap();
        let mut samples = 0;
        let memory = allocation_counter::measure(|| {
            let speech = voice.speak(&plan, &StopSignal::new());
            samples = speech.map(|chunk| chunk.unwrap().len()).sum();
        });
        assert!(samples > sentences * 32_000);
        memory.bytes_max
    };
    let (few, many) = (kept(2), kept(12));
    assert!(many < few + few / 10, "{few} bytes, then {many}");
}

#[test]
fn a_speech_that_waits_holds_little() {
    let voice = Voice::demo().unwrap();
    let plan = voice.plan(&SENTENCE.repeat(20), &Style::default()).unwrap();
    let begun = || {
        let mut speech = voice.speak(&plan, &StopSignal::new());
        assert!(speech.nth(5).is_some_and(|chunk| chunk.is_ok()));
        speech
    };
    // Now the voice has the buffers that speeches share.
    drop(begun());
    let mut waiting = Vec::new();
    let memory = allocation_counter::measure(|| waiting.push(begun()));
    let held = memory.bytes_current;
    assert!(held < 1_500_000, "{held} bytes");
}

#[test]
fn more_threads_speak_the_same() {
    let voice = Voice::demo().unwrap();
    let alone = speak(&voice, SENTENCE, &Style::default());
    let voice = voice.with_threads(std::num::NonZeroUsize::new(2).unwrap());
    assert_eq!(speak(&voice, SENTENCE, &Style::default()), alone);
}

/// A suffix has no end of its own: each of these was once one word, longer than the model's table of positions.
#[test]
fn a_text_of_nothing_but_suffixes_is_spoken() {
    let voice = Voice::demo().unwrap();
    for text in ["儿".repeat(240), "花儿儿".repeat(80)] {
        let samples = speak(&voice, &text, &Style::default());
        let seconds = samples.len() as f32 / voice.sample_rate() as f32;
        assert!(seconds > 20.0, "{seconds} s");
    }
}

#[test]
fn words_have_times_that_follow_each_other_and_lie_within_the_sound() {
    let voice = Voice::demo().unwrap();
    for speed in [0.5, 1.0, 2.0] {
        let style = Style::default().with_speed(speed).unwrap();
        let text = "今天3月5日，我们去公园玩吧。好的！";
        let plan = voice.plan(text, &style).unwrap();
        let mut speech = voice.speak(&plan, &StopSignal::new());
        let (mut words, mut samples) = (Vec::new(), 0);
        while let Some(chunk) = speech.next().transpose().unwrap() {
            let known = speech.take_timings();
            // They are known before their sound.
            let heard = f64::from(u32::try_from(samples).unwrap()) / f64::from(voice.sample_rate());
            assert!(known.iter().all(|word| word.start.as_secs_f64() >= heard));
            words.extend(known);
            samples += chunk.len();
        }
        let said: String = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(said, "今天三月五日我们去公园玩吧好的");
        assert_eq!(words.iter().filter(|word| word.ends_sentence).count(), 2);
        let mut at = std::time::Duration::ZERO;
        for word in &words {
            assert!(word.start >= at && word.end > word.start, "{word:?}");
            assert_eq!(
                word.syllables.first().map(|first| first.start),
                Some(word.start)
            );
            assert_eq!(word.syllables.last().map(|last| last.end), Some(word.end));
            assert!(
                word.syllables
                    .windows(2)
                    .all(|pair| pair[0].end == pair[1].start)
            );
            at = word.end;
        }
        let whole = samples as f64 / f64::from(voice.sample_rate());
        assert!(
            at.as_secs_f64() <= whole && at.as_secs_f64() > whole * 0.7,
            "{at:?} of {whole}"
        );
    }
}
