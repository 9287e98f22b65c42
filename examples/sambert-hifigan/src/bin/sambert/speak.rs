//! Speaks a text.

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
};

use sambert_hifigan::{Plan, StopSignal, Style, Voice, wav};

use super::{
    arguments::{Speak, load},
    output::Pending,
};

/// What stands for the standard output.
const STANDARD: &str = "-";

pub(crate) fn run(arguments: &Speak) -> Result<(), Box<dyn Error>> {
    let voice = load(arguments.voice.as_deref())?;
    let voice = match &arguments.speaker {
        Some(name) => voice.with_speaker(name).ok_or_else(|| {
            let speakers = voice.speakers().join(", ");
            format!("the voice has no speaker {name:?}, only {speakers}")
        })?,
        None => voice,
    };
    let style = Style::default()
        .with_emotion(arguments.emotion)
        .with_speed(arguments.speed)?
        .with_seed(arguments.seed);
    let plan = if arguments.ssml {
        voice.plan_ssml(&arguments.text, &style)?
    } else {
        voice.plan(&arguments.text, &style)?
    };
    if arguments.output == Path::new(STANDARD) {
        return stream(&voice, &plan, io::stdout().lock()).map(drop);
    }
    let mut file = Pending::new(&arguments.output)?;
    let samples = stream(&voice, &plan, &mut file)?;
    file.rewrite(&wav::header(
        voice.sample_rate(),
        u32::try_from(samples).ok(),
    ))?;
    Ok(file.finish()?)
}

/// Writes sound as it is made, with a header for a stream of unknown length, and returns the number of samples.
fn stream(voice: &Voice, plan: &Plan, mut output: impl Write) -> Result<u64, Box<dyn Error>> {
    let mut samples = 0;
    output.write_all(&wav::header(voice.sample_rate(), None))?;
    for chunk in voice.speak(plan, &StopSignal::new()) {
        let chunk = chunk?;
        samples += chunk.len() as u64;
        output.write_all(&wav::to_pcm16(&chunk))?;
        output.flush()?;
    }
    Ok(samples)
}
