//! `palisade token revoke`: adds to a list of revoked tokens.

use std::path::PathBuf;

use clap::Args;
use palisade_jwt::revocation::RevokedTokensFile;

use crate::{
    Failure,
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
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Revoke {
    /// The file with the revoked tokens
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    #[command(flatten)]
    what: What,
    /// How long the entry is kept: the longest lifetime of a token and the leeway, or longer
    #[arg(long, default_value = "25h", value_name = "SPAN")]
    keep: Span,
}

/// What is revoked.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// One token, by the `credential` of an audit record
    #[arg(long, value_name = "ID")]
    token: Option<String>,
    /// The tokens of one principal, by the `principal` of an audit record
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// All tokens of all issuers
    #[arg(long)]
    all: bool,
}

impl Revoke {
    /// Changes the list and prints how many entries it has.
    pub(super) fn run(self) -> Result<(), Failure> {
        if !self.list.exists() {
            RevokedTokensFile::create(&self.list)?;
            output::note(format_args!("made {}", self.list.display()));
        }
        let list = RevokedTokensFile::open_unwatched(&self.list)?;
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
        Ok(output::result(format_args!(
            "{}: {count} entries",
            self.list.display()
        ))?)
    }
}
