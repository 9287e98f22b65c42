//! `sambert`: speaks from the command line, shows voices, and puts them into one file.

mod arguments;
mod convert;
mod inspect;
mod output;
mod pinyin;
mod speak;

use std::{error::Error, io, process::ExitCode};

use clap::Parser;
use sambert_hifigan::{ConvertError, LoadError};

use self::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Pinyin(arguments) => pinyin::run(&arguments),
        Command::Speak(arguments) => speak::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output closed it: no failure.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&*error);
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[allow(
    clippy::print_stderr,
    reason = "a command complains on its standard error"
)]
fn print_error(error: &(dyn Error + 'static)) {
    let load = match error.downcast_ref() {
        Some(ConvertError::Load(error)) => Some(error),
        _ => error.downcast_ref::<LoadError>(),
    };
    match load {
        // A checkpoint of something else lacks hundreds of tensors: each has its line.
        Some(error) if error.problems().len() > 1 => {
            eprintln!("sambert: {}:", error.file());
            error
                .problems()
                .iter()
                .for_each(|problem| eprintln!("  {problem}"));
        }
        _ => eprintln!("sambert: {error}"),
    }
}
