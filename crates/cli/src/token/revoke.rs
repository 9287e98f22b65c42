//! `palisade token revoke`: adds to a list of revoked tokens.
//!
//! A service never asks the provider whether a token is still valid. So the list is what ends a token
//! before it expires: an account that is closed, a device that was lost.
//!
//! # What is stored
//!
//! Identifiers and times, never a token. So the list can be read by all services without opening
//! anything.
//!
//! The list is changed in one step; a service never reads half of it. Exit code 0 if it was
//! changed, otherwise 2.

use std::path::PathBuf;

use clap::Args;
use palisade_jwt::revocation::RevokedTokensFile;

use crate::{
    failure::Failure,
    moment::{self, Span},
    output,
};

const EXAMPLES: &str = "\
The list is a file that services read (RevokedTokensFile of palisade-jwt); they notice a change within a second. It is
made where it is missing. Names are those of the audit trail. Entries that are over are removed.

Examples:
  palisade token revoke --list revoked.json --token staff:QHGiBWe3a6vJfCJ2
  palisade token revoke --list revoked.json --principal staff:lin
  palisade token revoke --list revoked.json --all";

/// Revokes one token, all tokens of a principal issued until now, or all tokens
///
/// Tokens are valid until they expire, without a list. Use this after a leak, or when an account is
/// closed.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Revoke {
    /// The file with the revoked tokens
    ///
    /// All services that verify the tokens must read the same list.
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    #[command(flatten)]
    what: What,
    /// How long the entry is kept: the longest lifetime of a token and the leeway, or longer
    ///
    /// An entry that is removed too early makes a token valid again, so choose too long rather than too
    /// short.
    #[arg(long, default_value = "25h", value_name = "SPAN")]
    keep: Span,
}

/// What is revoked.
///
/// Exactly one must be given, so that `--all` is never an accident.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// One token, by the `credential` of an audit record
    ///
    /// The label of the issuer, a colon, and the claim jti.
    #[arg(long, value_name = "ID")]
    token: Option<String>,
    /// The tokens of one principal, by the `principal` of an audit record
    ///
    /// Tokens that are issued later are accepted: the principal can sign in again.
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// All tokens of all issuers
    ///
    /// Every client must then get a new token. If a signing key leaked, replace the key as well.
    #[arg(long)]
    all: bool,
}

impl Revoke {
    /// Changes the list and prints how many entries it has.
    ///
    /// A missing list is created. Entries whose time is over are removed in the same update.
    ///
    /// # Errors
    ///
    /// The list cannot be read or written.
    pub(super) fn run(self) -> Result<(), Failure> {
        if !self.list.exists() {
            RevokedTokensFile::create(&self.list)?;
            output::print_note(format_args!("made {}", self.list.display()));
        }
        let list = RevokedTokensFile::builder(&self.list).unwatched().open()?;
        let now = moment::now();
        let until = now + self.keep.0;
        let count = list.update(|entries| {
            entries.remove_old(now);
            if let Some(token) = &self.what.token {
                entries.revoke_token(token, until)?;
            }
            if let Some(principal) = &self.what.principal {
                entries.revoke_principal(principal, now, until)?;
            }
            if self.what.all {
                entries.revoke_all(now);
            }
            Ok::<_, palisade_jwt::revocation::RevocationError>(entries.len())
        })?;
        Ok(output::print_result(format_args!(
            "{}: {count} entries",
            self.list.display()
        ))?)
    }
}
