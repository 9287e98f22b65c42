//! Which client loses its place when every place is taken.

use std::time::Duration;

use super::{Queue, QueueFull, State};
use crate::{metrics, synthesis::SpeechError};

/// How far behind a listener a client may be and still keep its place when others have none.
const PATIENCE: Duration = Duration::from_secs(10);

impl Queue {
    /// Finds a place for one more client. Where there is none, the client that is furthest behind its own
    /// sound gives its place up: a slow client may read slowly as long as no other client needs the place.
    pub(super) fn make_place(&self, state: &mut State) -> bool {
        if state.listeners.len() < self.bounds.listeners {
            return true;
        }
        let lags = state.listeners.iter();
        let lags = lags.filter_map(|(number, (pipe, _))| Some((pipe.lag()?, *number)));
        let Some((_, slowest)) = lags.max().filter(|(lag, _)| *lag > PATIENCE) else {
            return false;
        };
        if let Some((pipe, stop)) = state.listeners.remove(&slowest) {
            stop.set();
            pipe.cut(SpeechError::TooSlow);
        }
        drop(state.withdraw(slowest));
        metrics::cut_off();
        true
    }

    /// Says when a place will probably be free.
    pub(super) fn full(&self, state: &State) -> QueueFull {
        let rounds = state.urgent().div_ceil(self.bounds.threads.max(1)).max(1);
        let wait = state
            .pace
            .saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        QueueFull {
            retry_after: Duration::from_secs(whole.clamp(1, 60)),
        }
    }
}
