//! Puts a voice into one file.

use std::error::Error;

use super::{arguments::Convert, output::Pending};

pub(crate) fn run(arguments: &Convert) -> Result<(), Box<dyn Error>> {
    let mut file = Pending::new(&arguments.output)?;
    sambert_hifigan::convert(&arguments.voice, &mut file, arguments.f16)?;
    Ok(file.finish()?)
}
