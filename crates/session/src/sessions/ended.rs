//! Sessions that were ended by name or all together, for the audit trail.

use std::fmt;

use crate::{record::SessionOwner, token::SessionId};

/// Sessions that were ended without a request of their own:
/// [`end_one`](super::Sessions::end_one), [`end_others`](super::Sessions::end_others) and
/// [`end_all`](super::Sessions::end_all). It has no token.
///
/// The trail of a request has the other ends: `session_ended` and `session_gave_way`.
///
/// ```
/// use std::sync::mpsc;
/// use palisade_core::Principal;
/// use palisade_session::{EndedBy, MemorySessionStore, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, ended) = mpsc::channel();
/// let sessions = Sessions::builder(MemorySessionStore::new())
///     .on_ended(move |ended| drop(sender.send(ended.clone())))
///     .build()?;
/// let ann = Principal::builder("user", "ann").build();
/// drop(sessions.open(ann.clone()).await?);
/// sessions.end_all(&ann).await?;
///
/// let ended = ended.recv()?;
/// assert_eq!((ended.by, ended.count), (EndedBy::All, 1));
/// assert_eq!(&*ended.owner.id, "ann");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionsEnded {
    /// Whose they were.
    pub owner: SessionOwner,
    /// Which of them were meant.
    pub by: EndedBy,
    /// How many there were: at least one.
    pub count: usize,
}

/// Which sessions of a principal were ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EndedBy {
    /// All of them.
    All,
    /// The one with this public id.
    Id(SessionId),
    /// All but this one.
    OthersThan(SessionId),
}

/// The function of [`SessionsBuilder::on_ended`](super::SessionsBuilder::on_ended).
#[derive(Default)]
pub(super) struct EndReport(Option<Box<dyn Fn(&SessionsEnded) + Send + Sync>>);

impl EndReport {
    pub(super) fn new(report: impl Fn(&SessionsEnded) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(report)))
    }

    /// Tells what ended, if anything did.
    pub(super) fn tell(&self, owner: &SessionOwner, by: EndedBy, count: usize) {
        let Some(report) = self.0.as_ref().filter(|_| count > 0) else {
            return;
        };
        let owner = owner.clone();
        report(&SessionsEnded { owner, by, count });
    }
}

impl fmt::Debug for EndReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "EndReport(..)",
            None => "EndReport(none)",
        })
    }
}
