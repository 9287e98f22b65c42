//! `palisade key new-pepper`: makes a pepper that replaces another one, or that services share.
//!
//! An existing file is never changed. Exit code 0 if the file was made, otherwise 2.

use std::path::PathBuf;

use clap::Args;
use palisade_api_key::Pepper;

use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
To replace a pepper: let all servers accept the new one (other_peppers of [keys]), then exchange the two, and remove
the old one when `palisade key list --pepper FILE` shows no key under another pepper.

Example:
  palisade key new-pepper pepper.new";

/// Makes a pepper in a new file, for services that replace theirs
///
/// `palisade key new` makes the first one by itself.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct NewPepper {
    /// The new file (mode 0600)
    ///
    /// An existing file is not changed: no key made with its pepper would be valid any more.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl NewPepper {
    /// Makes the file.
    ///
    /// # Errors
    ///
    /// The file exists, or cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        Pepper::create_file(&self.file)?;
        output::print_note(format_args!(
            "made {}: keep it secret, apart from the store, and back it up",
            self.file.display()
        ));
        Ok(())
    }
}
