//! `palisade audit`: verifies audit trails, searches and exports them, reports on them, acknowledges
//! incidents, proves records, receives checkpoints, computes codes, and makes checkpoint keys.
//!
//! A trail is one file that a service writes, with its rotated parts beside it. All commands read
//! these parts as well, oldest first, and work while the service runs.
//!
//! | module | command | verifies | writes |
//! |---|---|---|---|
//! | `verify` | `audit verify` | yes | nothing |
//! | `report` | `audit report` | yes | one HTML page |
//! | `query` | `audit query` | no | nothing |
//! | `tail` | `audit tail` | no | nothing |
//! | `export` | `audit export` | no | nothing |
//! | `hash` | `audit hash` | | nothing |
//! | `schema` | `audit schema` | | nothing |
//! | `acknowledge` | `audit acknowledge` | yes | `FILE.acknowledged` |
//! | `key` | `audit key` | | two key files |
//! | `seal_key` | `audit seal-key` | | two key files |
//! | `prove` | `audit prove` | the root of the records | a proof |
//! | `check_proof` | `audit check-proof` | the proof | nothing |
//! | `witness` | `audit witness` | each checkpoint | the accepted checkpoints |
//!
//! # Exit codes
//!
//! | command | 0 | 1 | 2 | 3 |
//! |---|---|---|---|---|
//! | `verify`, `report` | intact | altered, removed or forged records | not readable, another key | incidents |
//! | `query` | records were found | none was found | not readable, or a part of it | |
//! | `tail` | the reader ended | | not readable, or a part of it | |
//! | `export` | done, also without a line | | not readable, or a part of it | |
//! | `hash` | done | | no key, no address | |
//! | `schema` | printed | | | |
//! | `acknowledge` | acknowledged | | nothing to acknowledge, no key | |
//! | `key`, `seal-key` | made | | not made | |
//! | `prove` | made | | not made | |
//! | `check-proof` | proven | not proven | not readable | |
//! | `witness` | the input ended | a checkpoint was refused | not readable, not writable | |
//!
//! No command changes a record or deletes a file, and none waits for the service.

mod acknowledge;
mod check_proof;
mod export;
mod filter;
mod followed_file;
mod hash;
mod key;
mod prove;
mod query;
mod report;
mod schema;
mod seal_key;
mod tail;
mod unreadable_parts;
mod verify;
mod verify_report;
mod witness;

use clap::Subcommand;

use crate::failure::Failure;

/// What can be done with a trail.
///
/// In alphabetical order. Begin with `verify`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Acknowledge(acknowledge::Acknowledge),
    CheckProof(check_proof::CheckProof),
    Export(export::Export),
    Hash(hash::Hash),
    Key(key::Key),
    Prove(prove::Prove),
    Query(query::Query),
    Report(report::Report),
    Schema(schema::Schema),
    SealKey(seal_key::SealKey),
    Tail(tail::Tail),
    Verify(verify::Verify),
    Witness(witness::Witness),
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Acknowledge(command) => command.run(),
            Self::CheckProof(command) => command.run(),
            Self::Export(command) => command.run(),
            Self::Hash(command) => command.run(),
            Self::Key(command) => command.run(),
            Self::Prove(command) => command.run(),
            Self::Query(command) => command.run(),
            Self::Report(command) => command.run(),
            Self::Schema(command) => command.run(),
            Self::SealKey(command) => command.run(),
            Self::Tail(command) => command.run(),
            Self::Verify(command) => command.run(),
            Self::Witness(command) => command.run(),
        }
    }
}
