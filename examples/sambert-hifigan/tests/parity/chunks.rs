//! A sentence in pieces against the sentence in one piece.

use std::{num::NonZeroUsize, path::PathBuf};

use proptest::{prelude::*, test_runner::TestRunner};

use super::reference::{all_cases, load_vocoder, weight_files};
use crate::{
    probe::Probe,
    stop::StopSignal,
    thread_team::ThreadTeam,
    vocoder::{Seeded, Vocoder},
};

/// The generators of all cases: causal or not, with and without a source, with and without bands.
fn vocoders() -> Vec<(PathBuf, Vocoder)> {
    let vocoders = all_cases()
        .into_iter()
        .filter(|(_, meta)| meta["kind"] == "vocoder");
    let load = |(case, _): (PathBuf, _)| {
        let file = weight_files(&case).remove(0);
        let vocoder = load_vocoder(&case, &file);
        (case, vocoder)
    };
    vocoders.map(load).collect()
}

/// Makes frames with a pitch that glides and voicing that comes and goes.
fn frames(vocoder: &Vocoder, count: usize) -> Vec<f32> {
    let channels = vocoder.channels();
    let value = |index: usize| match (index / channels, index % channels) {
        (frame, channel) if channel + 2 == channels => 180.0 + frame as f32,
        (frame, channel) if channel + 1 == channels => f32::from(frame % 11 > 2),
        _ => ((index * 7919) % 101) as f32 / 100.0,
    };
    (0..count * channels).map(value).collect()
}

/// Vocodes frames in pieces of these sizes, over and over.
fn in_pieces(vocoder: &Vocoder, frames: &[f32], sizes: &[usize], team: &ThreadTeam) -> Vec<f32> {
    let mut stream = vocoder.start(Box::new(Seeded::new(9)));
    let (mut rest, mut samples) = (frames, Vec::new());
    for size in sizes.iter().cycle() {
        let piece = rest
            .split_off(..(size * vocoder.channels()).min(rest.len()))
            .unwrap();
        let (stop, end) = (StopSignal::new(), rest.is_empty());
        let made = vocoder.push(&mut stream, piece, end, team, &stop, &mut Probe::none());
        samples.extend(made.unwrap());
        if end {
            break;
        }
    }
    samples
}

#[test]
fn any_cutting_of_the_frames_on_any_number_of_threads_gives_the_same_bits() {
    let vocoders = vocoders();
    let teams: Vec<_> = (1..4)
        .map(|n| ThreadTeam::of(NonZeroUsize::new(n).unwrap()))
        .collect();
    let sizes = prop::collection::vec(1usize..40, 1..6);
    let cases = (1usize..70, sizes, 0..vocoders.len(), 0..teams.len());
    let mut runner = TestRunner::deterministic();
    let check = |(count, sizes, vocoder, team): (usize, Vec<usize>, usize, usize)| {
        let (case, vocoder) = &vocoders[vocoder];
        let frames = frames(vocoder, count);
        let whole = in_pieces(vocoder, &frames, &[count], &teams[0]);
        prop_assert_eq!(whole.len(), count * vocoder.samples_per_frame());
        let pieces = in_pieces(vocoder, &frames, &sizes, &teams[team]);
        prop_assert!(whole == pieces, "{}", case.display());
        Ok(())
    };
    runner.run(&cases, check).unwrap();
}

#[test]
fn every_generator_gives_the_same_bits_frame_by_frame() {
    let vocoders = vocoders();
    assert!(vocoders.len() >= 2);
    for (case, vocoder) in &vocoders {
        let frames = frames(vocoder, 30);
        let alone = ThreadTeam::default();
        let whole = in_pieces(vocoder, &frames, &[30], &alone);
        assert!(
            whole == in_pieces(vocoder, &frames, &[1], &alone),
            "{}",
            case.display()
        );
        assert!(whole.iter().any(|sample| sample.abs() > 1e-4));
    }
    println!("{} generators", vocoders.len());
}

#[test]
fn a_set_signal_ends_vocoding() {
    for (_, vocoder) in &vocoders() {
        let stop = StopSignal::new();
        stop.set();
        let mut stream = vocoder.start(Box::new(Seeded::new(0)));
        let frames = frames(vocoder, 3);
        let team = ThreadTeam::default();
        let made = vocoder.push(
            &mut stream,
            &frames,
            false,
            &team,
            &stop,
            &mut Probe::none(),
        );
        assert!(made.is_err());
    }
}
