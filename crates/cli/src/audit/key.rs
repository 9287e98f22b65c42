//! `palisade audit key`: creates the Ed25519 key that signs checkpoints.
//!
//! Without a separate key, checkpoints are checked with the key of the trail.
//!
//! The secret key stays on the server that writes the trail. The public key is for those who verify
//! it, so that they need not be trusted with the writing.
//!
//! # Files
//!
//! `FILE` has the secret key, mode 0600. `FILE.pub` has the public key (Ed25519, RFC 8032). Both
//! are text of one line. Standard error names them; standard output is empty. Exit code 0 if both
//! were created, otherwise 2.

use std::path::PathBuf;

use clap::Args;
use palisade_audit::CheckpointKey;

use crate::{failure::Failure, output, secret_file};

const EXAMPLES: &str = "\
Writes two files: the private key, for the server (FileSink's checkpoint_key), and the public key with `.pub` behind the
name, for verification.

Example:
  palisade audit key checkpoint.key";

/// Makes an Ed25519 key that signs checkpoints
///
/// Checkpoints say how far the trail was at a time. With a separate key, a machine that only has the
/// public key can check them, and cannot make one.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Key {
    /// The file to make
    ///
    /// It must not exist. Keep it on the server, and the public key where the trail is verified.
    file: PathBuf,
}

impl Key {
    /// Creates the file with the secret key, and beside it FILE.pub with the public key. Neither
    /// may exist.
    ///
    /// If the public key cannot be written, the secret key stays: remove it before the next try.
    ///
    /// # Errors
    ///
    /// A file exists already, or cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let key = CheckpointKey::generate()?;
        let mut public = self.file.clone().into_os_string();
        public.push(".pub");
        let public = PathBuf::from(public);
        secret_file::create_secret(&self.file, &key.to_text())?;
        let text = key.public_key().to_text();
        palisade_internal::private_file::write_new(&public, text.as_bytes()).map_err(
            |problem| {
                Failure::new(format_args!(
                    "cannot create {}: {problem}",
                    public.display()
                ))
            },
        )?;
        output::print_note(format_args!(
            "made {} (secret) and {}",
            self.file.display(),
            public.display()
        ));
        Ok(())
    }
}
