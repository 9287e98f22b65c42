//! The writer's own records: about the trail, not about a request.

use std::time::Duration;

use super::queue::Losses;
use crate::{Anchor, chain::Seal, json::Object, key::hex, time::rfc3339};

/// Something had to be set aside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Recovered {
    pub(super) cause: &'static str,
    pub(super) bytes: u64,
    pub(super) set_aside: String,
}

/// Begins a file.
pub(super) fn opened(now: Duration, trail: &str, seal: &Seal, last: Anchor) -> Vec<u8> {
    note("opened", now, |record| {
        record.text("trail", trail);
        record.text("algorithm", seal.algorithm());
        if let Some(key) = seal.key_id() {
            record.text("key", &key);
        }
        if last != Anchor::GENESIS {
            record.text("follows", &hex(last.hash()));
        }
        record.text(
            "writer",
            concat!("palisade-audit ", env!("CARGO_PKG_VERSION")),
        );
    })
}

/// Goes on in a file that an earlier process wrote.
pub(super) fn resumed(now: Duration, after_close: bool) -> Vec<u8> {
    let after = if after_close { "close" } else { "interruption" };
    note("resumed", now, |record| record.text("after", after))
}

/// Names what was set aside, and why.
pub(super) fn recovered(now: Duration, what: &Recovered) -> Vec<u8> {
    note("recovered", now, |record| {
        record.text("cause", what.cause);
        record.number("bytes", what.bytes);
        record.text("set_aside", &what.set_aside);
    })
}

/// Counts requests without a record.
pub(super) fn lost(now: Duration, losses: Losses) -> Vec<u8> {
    note("lost", now, |record| {
        record.number("dropped", losses.dropped);
        record.number("turned_away", losses.turned_away);
        if losses.events > 0 {
            record.number("events", losses.events);
        }
    })
}

/// Ends the work of a process.
pub(super) fn closed(now: Duration) -> Vec<u8> {
    note("closed", now, |_| {})
}

fn note(kind: &str, now: Duration, write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut record = Object::open(&mut out);
    record.number("v", 1);
    record.text("type", kind);
    record.text("time", &rfc3339(now));
    write(&mut record);
    record.leave_open();
    out
}
