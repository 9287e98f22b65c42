//! `palisade audit seal-key`: creates the evolving key of a trail.
//!
//! `FILE` has the key of the current segment, and is replaced by the service at each rotation. `FILE.first` has the first
//! key, with which the trail is verified: move it to another machine. Both have mode 0600. Exit code 0 if both were
//! created, otherwise 2.

use std::path::PathBuf;

use clap::Args;
use palisade_audit::EvolvingKeyFile;

use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Move FILE.first to the machine where the trail is verified, and delete it here: who has it can forge every record. Who
steals FILE from the running service can forge records since the last rotation, and none before.

A key belongs to one trail. Make another one for a new trail.

Example:
  palisade audit seal-key audit.key
  palisade audit verify audit.jsonl --key audit.key.first --checkpoint-key checkpoint.key.pub";

/// Makes a key of a trail that is replaced at each rotation
///
/// For evolving_key in the section [audit]. Checkpoints then need a key of their own: `palisade audit key`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SealKey {
    /// The file to make, which the service replaces
    ///
    /// It must not exist. The service must be able to write its folder.
    file: PathBuf,
}

impl SealKey {
    /// Creates the file, and beside it FILE.first with the first key. Neither may exist.
    ///
    /// # Errors
    ///
    /// A file exists already, or cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut first = self.file.clone().into_os_string();
        first.push(".first");
        let first = PathBuf::from(first);
        if first.exists() {
            return Err(Failure::new(format_args!(
                "{} exists already",
                first.display()
            )));
        }
        let (_, key) = EvolvingKeyFile::create(&self.file)?;
        palisade_internal::private_file::write_new(&first, key.expose()).map_err(|problem| {
            Failure::new(format_args!("cannot create {}: {problem}", first.display()))
        })?;
        output::print_note(format_args!(
            "made {} (secret), and {} for verification: move it to another machine",
            self.file.display(),
            first.display()
        ));
        Ok(())
    }
}
