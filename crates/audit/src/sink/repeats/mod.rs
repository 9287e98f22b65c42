//! Counts repeated refusals and connection events: the first is written, the others are counted.
//!
//! A client that is refused a thousand times a second must not fill the disk. Refusals are
//! counted together if they have the same client address, guard, code and principal. The first
//! one in a window is a record. At the end of the window a record `folded` has the number of the
//! others.
//!
//! Only refusals before the handler are counted together. A request that reached the handler may have had an effect, also
//! if it ended with a refusal: it always has a record.
//!
//! First refusals have a budget of bytes a second, so that many addresses cannot fill the disk
//! either. Beyond it they are only counted. The file sink holds the table under the lock of its queue;
//! the sinks that send records use it without a budget, through `repeat_filter`.
//!
//! An example, with the default window of 60 seconds: an address is refused 5,000 times by one guard with one code,
//! beginning at noon. At noon there is one record `request`, and at 12:01 one record `folded` with the count 4,999.
//! If the process is killed at 12:00:30, the count of that half minute is lost, and the first record is not.

mod table;

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

pub(crate) use self::table::RepeatTable;
use crate::record::{AuditEvent, RequestRecord, json::Object};

/// When refusals are counted instead of written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RepeatSettings {
    /// The time in which repetitions are counted together. `None`: every refusal is written.
    pub(crate) window: Option<Duration>,
    /// How many bytes a second the records of refusals may use. `None`: no limit, but a full table: those that it
    /// cannot distinguish share one record in each window.
    pub(crate) budget: Option<u32>,
}

/// What refusals that are counted together have in common.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct RepeatKey {
    /// The address of the client; for IPv6 its network of 64 bits. `None` for several clients.
    pub(crate) client: Option<IpAddr>,
    /// The identifier of the authenticated principal, if known.
    pub(crate) principal: Option<Box<str>>,
    /// The guard that refused; `event` for events.
    pub(crate) guard: &'static str,
    /// The code of the refusal, or the identifier of the event.
    pub(crate) code: &'static str,
}

/// A finished count. Becomes a record `folded`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RepeatCount {
    /// What was counted.
    pub(crate) key: RepeatKey,
    /// How many refusals have no record: those after the first, and those beyond the budget.
    pub(crate) count: u64,
    /// When the first one was counted, since the Unix epoch.
    pub(crate) first: Duration,
    /// When the last one was counted, since the Unix epoch.
    pub(crate) last: Duration,
}

impl RepeatKey {
    /// Returns what a refused request is counted under. `None` if it was not refused, or not before the handler.
    pub(crate) fn of_request(event: &RequestRecord) -> Option<Self> {
        if !event.is_refused_before_handler() {
            return None;
        }
        let (guard, code) = event.refused_by()?;
        Some(Self {
            client: event.recorded_client().map(network),
            principal: event.recorded_principal().map(Into::into),
            guard,
            code,
        })
    }

    /// Returns what an event is counted under. `None` if no client caused it.
    pub(crate) fn of_event(event: &AuditEvent) -> Option<Self> {
        Some(Self {
            client: Some(network(event.client()?)),
            principal: None,
            guard: "event",
            code: event.id(),
        })
    }
}

impl RepeatCount {
    /// Writes what was counted, and how often, as members of a record.
    pub(crate) fn write(&self, record: &mut Object<'_>) {
        if let Some(client) = self.key.client {
            record.plain("client", client);
        }
        if let Some(principal) = &self.key.principal {
            let mut member = record.object("principal");
            member.limited("id", principal, 128);
            member.close();
        }
        record.limited("guard", self.key.guard, 128);
        record.limited("code", self.key.code, 128);
        record.number("count", self.count);
        record.time("first", self.first);
        record.time("last", self.last);
    }
}

/// Returns the address, or for IPv6 its network of 64 bits: one client usually has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        IpAddr::V4(_) => address,
    }
}
