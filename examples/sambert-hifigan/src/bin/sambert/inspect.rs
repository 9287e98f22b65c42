//! Tells what voices are.

use std::{
    error::Error,
    io::{self, Write},
};

use sambert_hifigan::Voice;

use super::arguments::Inspect;

pub(crate) fn run(arguments: &Inspect) -> Result<(), Box<dyn Error>> {
    let voices = match &arguments.voice {
        Some(path) => Voice::load_all(path)?,
        None => vec![Voice::demo()?],
    };
    let mut output = io::stdout().lock();
    for (index, voice) in voices.iter().enumerate() {
        if index > 0 {
            writeln!(output)?;
        }
        show(voice, &mut output)?;
    }
    Ok(())
}

fn show(voice: &Voice, output: &mut impl Write) -> io::Result<()> {
    let emotions: Vec<_> = voice.emotions().iter().map(ToString::to_string).collect();
    let facts = [
        ("voice", voice.name().to_owned()),
        ("samples per second", voice.sample_rate().to_string()),
        ("emotions", emotions.join(" ")),
        ("speakers", voice.speakers().join(" ")),
        ("default speaker", voice.speaker().to_owned()),
    ];
    for (name, value) in facts.iter().chain(voice.details()) {
        writeln!(output, "{name:20}{value}")?;
    }
    for warning in voice.warnings() {
        writeln!(output, "warning             {warning}")?;
    }
    Ok(())
}
