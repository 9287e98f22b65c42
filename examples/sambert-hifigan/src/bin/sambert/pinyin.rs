//! Shows how texts will be read.

use std::{
    error::Error,
    io::{self, Read, Write},
};

use sambert_hifigan::{Style, Voice};

use super::arguments::Pinyin;

pub(crate) fn run(arguments: &Pinyin) -> Result<(), Box<dyn Error>> {
    let voice = Voice::demo()?;
    let mut output = io::stdout().lock();
    if arguments.ssml {
        let document = arguments.text.clone().map_or_else(read_all, Ok)?;
        let plan = voice.plan_ssml(&document, &Style::default())?;
        return Ok(writeln!(output, "{}", plan.pinyin())?);
    }
    let mut show = |text: &str| match voice.plan(text, &Style::default()) {
        Ok(plan) => writeln!(output, "{}", plan.pinyin()),
        Err(error) => writeln!(output, "# {error}"),
    };
    if let Some(text) = &arguments.text {
        return Ok(show(text)?);
    }
    for line in io::stdin().lines() {
        show(&line?)?;
    }
    Ok(())
}

fn read_all() -> io::Result<String> {
    let mut document = String::new();
    io::stdin().read_to_string(&mut document)?;
    Ok(document)
}
