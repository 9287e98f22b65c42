//! `palisade audit acknowledge`: writes a signed note that an incident was checked.
//!
//! The records themselves do not change. Afterwards `palisade audit verify` shows the incident as
//! acknowledged.
//!
//! A signature is needed because an attacker who could acknowledge could hide an attack. The key of
//! the trail is that of its writer, so run the command where the service runs.
//!
//! Exit code 0 if at least one incident was acknowledged; 2 if none was, if there is no key, or if
//! the trail cannot be read. Each one is named on standard error.

use std::path::Path;

use clap::Args;
use palisade_audit::{AuditKey, FindingClass, acknowledge};

use super::verify::Trail;
use crate::{failure::Failure, moment::now, output, owner};

const EXAMPLES: &str = "\
An incident is what the writer recorded itself (a damaged file, a trail that was rolled back), or what can have a harmless
reason (older files that are kept elsewhere). An operator must check it. The acknowledgement is signed with the key of the
trail and kept in FILE.acknowledged; `palisade audit verify` lists it and exits with 0.

Examples:
  palisade audit acknowledge audit.jsonl --key audit.key --record 1042 --by lin --note 'disk replaced, ticket 381'
  palisade audit acknowledge audit.jsonl --key audit.key --all --by lin --note 'restored from backup'";

/// Acknowledges incidents, signed with the key of the trail
///
/// The acknowledgement names the finding, the person and the time. A finding that shows a changed record
/// cannot be acknowledged.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Acknowledge {
    #[command(flatten)]
    trail: Trail,
    /// The record that `verify` named
    ///
    /// Only the incidents at this record are acknowledged.
    #[arg(long, value_name = "NUMBER", required_unless_present = "all")]
    record: Option<u64>,
    /// Every incident that there is now
    ///
    /// List them first with `palisade audit verify`.
    #[arg(long, conflicts_with = "record")]
    all: bool,
    /// Who checked it
    ///
    /// A name that others in the organization understand. It is not checked.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What was found out
    ///
    /// The cause and where it is documented, such as a ticket. It is shown with the finding.
    #[arg(long, value_name = "TEXT")]
    note: String,
}

impl Acknowledge {
    /// Verifies the trail and acknowledges the incidents that were selected.
    ///
    /// The whole trail is verified first, since an acknowledgement names a finding of that run.
    ///
    /// # Errors
    ///
    /// There is no key, no such incident is open, or the trail cannot be read or written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Some(key) = &self.trail.keys.key else {
            return Err(Failure::new(
                "an acknowledgement is signed: give --key with the key of the trail",
            ));
        };
        let key = AuditKey::from_file(key)?;
        let report = self.trail.verify_files(&self.trail.verify_options()?)?;
        // What is read may be root's alone. The file that is written is in a folder of the service.
        become_owner_of_folder(&self.trail.file)?;
        let open = report.findings.iter().filter(|finding| {
            finding.class() == FindingClass::Incident
                && self.record.is_none_or(|record| record == finding.sequence)
        });
        let mut count = 0;
        for finding in open {
            let (by, note) = (&self.by, &self.note);
            acknowledge(&self.trail.file, &key, &report, finding, by, note, now())?;
            output::print_note(format_args!("acknowledged {finding}"));
            count += 1;
        }
        match count {
            0 => Err(Failure::new(
                "no unacknowledged incident has this record: run `palisade audit verify` to list them",
            )),
            _ => Ok(()),
        }
    }
}

/// Makes a command of root the owner of the folder that a trail is in. If the file is a link, the owner
/// of its folder decides where it leads, and after that the owner of the folder behind it.
///
/// # Errors
///
/// The file does not exist, or the user cannot be changed.
fn become_owner_of_folder(trail: &Path) -> Result<(), Failure> {
    let unusable = |problem| Failure::new(format_args!("{}: {problem}", trail.display()));
    let named = std::path::absolute(trail).map_err(unusable)?;
    let behind = trail.canonicalize().map_err(unusable)?;
    for folder in [named.parent(), behind.parent()].into_iter().flatten() {
        owner::become_owner_of(folder)?;
    }
    Ok(())
}
