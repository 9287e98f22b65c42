//! `palisade config`: what may be in a configuration file.

use clap::{Args, Subcommand};

use crate::{failure::Failure, output};

/// The JSON Schema of the configuration file. A test makes it from the types that read the file, and
/// compares.
const SCHEMA: &str = include_str!("schema.json");

/// What is known about the configuration file.
#[derive(Subcommand)]
pub(crate) enum Command {
    Schema(Schema),
}

/// Print the JSON Schema of the configuration file
///
/// Editors complete and check a TOML file by it. It has the sections of the library and of the gateway, each
/// key with its description. Ranges and what keys need of each other are checked by `palisade gateway --check`
/// and `palisade doctor`.
#[derive(Args)]
#[command(after_help = "\
Example:
  palisade config schema > palisade.schema.json

In an editor with Taplo or Even Better TOML, as the first line of the file:
  #:schema ./palisade.schema.json")]
pub(crate) struct Schema {}

impl Command {
    /// Prints to standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self::Schema(Schema {}) = self;
        output::print_result(SCHEMA.trim_end())?;
        Ok(())
    }
}
