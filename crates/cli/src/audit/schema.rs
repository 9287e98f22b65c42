//! `palisade audit schema`: prints the JSON Schema of a record.

use clap::Args;
use palisade_audit::RECORD_SCHEMA;

use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Exit code 0: printed.

Examples:
  palisade audit schema > record.schema.json
  palisade audit schema | jq '.properties | keys'";

/// Prints the JSON Schema of a record
///
/// Of one line of a trail, and of what sinks send. Each member has its description. Later versions add members, so the
/// schema allows others.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schema {}

impl Schema {
    /// Prints to standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self {} = self;
        Ok(output::print_result(RECORD_SCHEMA.trim_end())?)
    }
}
