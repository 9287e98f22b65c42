//! Encodes the records that the writer makes about the trail itself: not about a request.
//!
//! `opened`, `resumed`, `recovered`, `lost`, `folded`, `retired`, `clock_step`, `rotated` and
//! `closed`.
//! Verification reads them to explain gaps, so their member names must stay the same. Times are
//! since the Unix epoch and are written in RFC 3339.
//!
//! | Type | Written when | Members |
//! |---|---|---|
//! | `opened` | a file begins | name of the trail, algorithm, key, epoch, hash of the record before, tree up to it, machine and process |
//! | `resumed` | a process continues a file | machine and process, how the earlier one ended, open requests, its last record |
//! | `recovered` | something was set aside or is missing | cause, bytes, file name, numbers |
//! | `lost` | requests or events have no record | how many were served, how many refused |
//! | `folded` | a window of repetitions ends | client, guard, code, count, first and last time |
//! | `retired` | older parts are deleted | first and last number, hash, bytes, reason |
//! | `clock_step` | the clock of the machine was set | by how much |
//! | `rotated` | a file has its full length | root of the tree before it |
//! | `closed` | the writer ends in order | root of the tree before it |

use std::time::Duration;

use palisade_internal::hex;

use super::queue::{Losses, RepeatCount};
use crate::{
    chain::{
        Anchor, Seal,
        merkle::{Tree, TreeHash},
    },
    record::{VERSION, json::Object},
    sink::LossPolicy,
};

/// Characters of the name of the machine.
const MAX_INSTANCE_CHARS: usize = 64;
/// Characters of a torn line that are kept in the record, where the line could not be copied.
const TORN_TEXT: usize = 512;

/// Data that had to be set aside, or that was missing. Becomes a record `recovered`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Recovered {
    /// The reason: `torn_line`, `damaged`, `deleted`, `replaced`, `rolled_back`, `trail_missing`,
    /// or the step that failed.
    pub(super) cause: &'static str,
    pub(super) bytes: u64,
    /// The name of the file with what was set aside.
    pub(super) set_aside: Option<String>,
    /// Numbers of records that are gone with it: the first and the last.
    pub(super) gone: Option<(u64, u64)>,
    /// An earlier trail that is gone.
    pub(super) trail: Option<String>,
    /// A torn line that could not be copied to a file.
    pub(super) text: Option<String>,
}

/// How an earlier process left the file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Resumed {
    /// Whether the earlier process closed the trail. False after a crash or a power failure.
    pub(super) after_close: bool,
    /// Requests of this file whose head is recorded and whose end is not.
    pub(super) unfinished: u64,
    /// When the last record was written.
    pub(super) last_record: Option<Duration>,
}

/// Old parts that retention deletes. Recorded before the files are deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retired {
    /// The number of the first deleted record.
    pub(super) from: u64,
    /// The last deleted record. A trail that begins after it has a complete chain.
    pub(super) last: Anchor,
    /// How many files are deleted.
    pub(super) files: u64,
    /// How many bytes that frees.
    pub(super) bytes: u64,
    /// The reason: `age`, `size` or `low_space`.
    pub(super) why: &'static str,
}

/// Returns the mode of the writer: whether an interruption may lose records without a count.
pub(super) fn promise(policy: LossPolicy) -> &'static str {
    match policy {
        LossPolicy::FailClosed => "fail_closed",
        LossPolicy::Block => "block",
        LossPolicy::DropAndCount => "drop_and_count",
    }
}

/// Begins a file: the name of the trail, the algorithm, and the hash of the record before and the tree up to it, if
/// there is one.
pub(super) fn opened(
    now: Duration,
    trail: &str,
    seal: &Seal,
    last: Anchor,
    tree: &Tree,
) -> Vec<u8> {
    note("opened", now, |record| {
        record.text("trail", trail);
        record.text("algorithm", seal.algorithm());
        if let Some(key) = seal.key_id() {
            record.text("key", &key);
        }
        if let Some(key) = seal.evolving_key() {
            record.number("epoch", key.epoch());
        }
        if last != Anchor::GENESIS {
            record.text("follows", &hex::encode(last.hash()));
            record.text("tree", &tree.peaks_text());
        }
        record.text(
            "writer",
            concat!("palisade-audit ", env!("CARGO_PKG_VERSION")),
        );
        process_members(record);
    })
}

/// Continues in a file that an earlier process wrote, and says how that process ended.
pub(super) fn resumed(now: Duration, it: Resumed, policy: LossPolicy) -> Vec<u8> {
    let after = if it.after_close {
        "close"
    } else {
        "interruption"
    };
    note("resumed", now, |record| {
        process_members(record);
        record.text("after", after);
        if !it.after_close {
            record.text("promise", promise(policy));
            record.number("unfinished", it.unfinished);
            if let Some(last) = it.last_record {
                record.time("last_record", last);
            }
        }
    })
}

/// Writes the name of the machine and the number of the process.
fn process_members(record: &mut Object<'_>) {
    #[cfg(unix)]
    {
        let system = rustix::system::uname();
        let name = system.nodename().to_string_lossy();
        record.limited("instance", &name, MAX_INSTANCE_CHARS);
    }
    record.number("process", std::process::id().into());
}

/// Names what was set aside or is missing, and why.
pub(super) fn recovered(now: Duration, what: &Recovered) -> Vec<u8> {
    note("recovered", now, |record| {
        record.text("cause", what.cause);
        record.number("bytes", what.bytes);
        if let Some(name) = &what.set_aside {
            record.limited("set_aside", name, 255);
        }
        if let Some((from, to)) = what.gone {
            record.number("from", from);
            record.number("to", to);
        }
        if let Some(trail) = &what.trail {
            record.limited("trail", trail, 64);
        }
        if let Some(text) = &what.text {
            record.limited("text", text, TORN_TEXT);
        }
    })
}

/// Counts requests and events that have no record.
pub(super) fn lost(now: Duration, losses: Losses) -> Vec<u8> {
    note("lost", now, |record| {
        record.number("dropped", losses.dropped);
        record.number("turned_away", losses.turned_away);
        if losses.events > 0 {
            record.number("events", losses.events);
        }
    })
}

/// Counts refusals or connection events of one kind, after the first one or beyond the budget.
pub(super) fn folded(now: Duration, it: &RepeatCount) -> Vec<u8> {
    note("folded", now, |record| it.write(record))
}

/// Names the records that retention deletes, because they are too old or too many.
pub(super) fn retired(now: Duration, it: Retired) -> Vec<u8> {
    note("retired", now, |record| {
        record.number("from", it.from);
        record.number("to", it.last.sequence());
        record.text("last_hash", &hex::encode(it.last.hash()));
        record.number("files", it.files);
        record.number("bytes", it.bytes);
        record.text("why", it.why);
    })
}

/// Records that the clock of the machine was set: the expected time, the direction and the
/// difference.
pub(super) fn clock_step(now: Duration, expected: Duration) -> Vec<u8> {
    note("clock_step", now, |record| {
        record.time("expected", expected);
        let forward = now >= expected;
        record.text("direction", if forward { "forward" } else { "back" });
        let step = now.abs_diff(expected).as_millis();
        record.number("milliseconds", u64::try_from(step).unwrap_or(u64::MAX));
    })
}

/// Ends the records of a process. If it is the last record, the trail was closed in order.
///
/// `root` is the root of the tree over all records before this one.
pub(super) fn closed(now: Duration, root: &TreeHash) -> Vec<u8> {
    note("closed", now, |record| {
        record.text("root", &hex::encode(root));
    })
}

/// Ends a part, with the root of the tree over all records before this one.
pub(super) fn rotated(now: Duration, root: &TreeHash) -> Vec<u8> {
    note("rotated", now, |record| {
        record.text("root", &hex::encode(root));
    })
}

/// Writes version, type and time, then the members that `write` adds. Leaves the object open.
fn note(kind: &str, now: Duration, write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut record = Object::open(&mut out);
    record.number("v", VERSION);
    record.text("type", kind);
    record.time("time", now);
    write(&mut record);
    record.leave_open();
    out
}
