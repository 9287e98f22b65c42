//! What the outcome of a try says about a batch.

use std::{io, time::Duration};

use crate::sink::http::{Reply, retry_after};

/// What is done with a batch after a try.
#[derive(Debug)]
pub(super) enum Decision {
    /// The server has it.
    Taken,
    /// The server does not take so much at once.
    TooLarge(io::Error),
    /// The server will never take it, or it is not what was stored.
    Refused(io::Error),
    /// Its file is gone.
    Gone(io::Error),
    /// It may be taken later, after a pause if the server asked for one.
    Later(io::Error, Option<Duration>),
    /// As `Later`, but the fault may be with this batch alone.
    Doubtful(io::Error, Option<Duration>),
    /// Sending ends.
    Stopped,
}

impl Decision {
    /// Decides by the status. A redirect is not followed: the batch would go where no one said.
    pub(super) fn of_reply(reply: &Reply, now: Duration) -> Self {
        let problem = io::Error::other(format!("status {}", reply.status));
        let asked = retry_after(reply.retry_after.as_ref(), now);
        match reply.status.as_u16() {
            200..=299 => Self::Taken,
            413 => Self::TooLarge(problem),
            400 | 415 | 422 => Self::Refused(problem),
            // The server, or what is before it, is busy or away.
            408 | 425 | 429 | 502..=504 => Self::Later(problem, asked),
            _ => Self::Doubtful(problem, asked),
        }
    }

    /// Decides by an error of the connection.
    pub(super) fn of_connection(problem: io::Error) -> Self {
        match problem.kind() {
            io::ErrorKind::Interrupted => Self::Stopped,
            _ => Self::Later(problem, None),
        }
    }

    /// Decides by an error of the spool. Only a file that is gone is given up.
    pub(super) fn of_spool(problem: io::Error) -> Self {
        match problem.kind() {
            io::ErrorKind::NotFound => Self::Gone(problem),
            io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData => Self::Refused(problem),
            _ => Self::Doubtful(problem, None),
        }
    }
}
