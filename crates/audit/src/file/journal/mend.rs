//! What becomes of a file that is not written any more.

use std::io;

use super::Journal;
use crate::file::{
    drafts::Drafts,
    notes::{self, Recovered},
    store::{Place, Store},
};

impl<S: Store> Journal<S> {
    /// Goes on in a new file after the old one could not be trusted.
    pub(super) fn mend(&mut self) -> io::Result<()> {
        let Some(cause) = self.broken else {
            return Ok(());
        };
        self.roll_back();
        let keeps = cause != "replaced" && self.synced.length > 0;
        if keeps {
            // If even this fails, verification will find what is too much.
            let _ = self.store.truncate(self.synced.length);
        }
        let place = match keeps {
            true => Place::Part,
            false => Place::Aside(cause),
        };
        let set_aside = self.store.renew(place, self.synced.first)?;
        self.tell(cause, set_aside);
        self.synced.length = 0;
        self.written = self.synced;
        self.broken = None;
        Ok(())
    }

    /// Takes back everything that was written since the last sync.
    fn roll_back(&mut self) {
        self.unsynced.take(&mut self.waiting);
        std::mem::swap(&mut self.unsynced, &mut self.waiting);
        self.written = self.synced;
    }

    fn tell(&mut self, cause: &'static str, set_aside: String) {
        tracing::error!(target: "palisade::audit", cause, set_aside, "goes on in a new audit file");
        let what = Recovered {
            cause,
            bytes: 0,
            set_aside,
        };
        let now = self.clock.unix_time();
        let mut first = Drafts::default();
        first.push(|out| out.extend(notes::recovered(now, &what)));
        first.take(&mut self.waiting);
        self.waiting = first;
    }

    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        if let Err(error) = self.store.renew(Place::Part, self.synced.first) {
            if self.store.is_ours() {
                // Nothing has happened yet. A file that is too long is better than none.
                tracing::warn!(target: "palisade::audit", %error, "cannot rotate the audit file");
                return Ok(());
            }
            self.broken = Some("rotate_failed");
            return Err(error);
        }
        // Whoever keeps the log of the process elsewhere has an anchor in it.
        tracing::info!(target: "palisade::audit", anchor = %self.synced.anchor, "rotated");
        self.synced.length = 0;
        self.written = self.synced;
        Ok(())
    }
}
