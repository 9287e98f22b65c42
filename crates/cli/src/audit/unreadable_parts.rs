//! Files of a trail that a command skips, since they cannot be read.

use std::io;

use palisade_audit::{StoredRecord, UnreadablePart};

use crate::{failure::Failure, output};

/// How many files could not be read so far.
#[derive(Default)]
pub(super) struct UnreadableParts(u64);

impl UnreadableParts {
    /// Returns a record. A file that cannot be read is named on standard error, and counted.
    ///
    /// # Errors
    ///
    /// An error that is not about one file of the trail.
    pub(super) fn tell(
        &mut self,
        record: io::Result<StoredRecord>,
    ) -> io::Result<Option<StoredRecord>> {
        let error = match record {
            Ok(record) => return Ok(Some(record)),
            Err(error) => error,
        };
        let Some(part) = UnreadablePart::of(&error) else {
            return Err(error);
        };
        let text = output::escape_control(&part.to_string());
        output::print_note(format_args!("{text}; its records are missing here"));
        self.0 = self.0.saturating_add(1);
        Ok(None)
    }

    /// Fails if a file could not be read: what was written is not all.
    ///
    /// # Errors
    ///
    /// Exit code 2, with the number of these files.
    pub(super) fn into_result(self) -> Result<(), Failure> {
        match self.0 {
            0 => Ok(()),
            files => Err(Failure::new(format_args!(
                "{files} of the trail's files could not be read; `palisade audit verify` says more"
            ))),
        }
    }
}
