//! Shows how texts will be read.

use std::{
    error::Error,
    io::{self, Write},
};

use sambert_hifigan::{Style, Voice};

use super::arguments::Pinyin;

pub(crate) fn run(arguments: &Pinyin) -> Result<(), Box<dyn Error>> {
    let voice = Voice::demo()?;
    let mut output = io::stdout().lock();
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
