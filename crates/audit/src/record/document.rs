//! The members of a record as it stands in a file, in one type.
//!
//! Verification, the recovery of the writer, the readers and the commands read records with it, and the JSON Schema
//! (`schema.json`, [`RECORD_SCHEMA`](crate::RECORD_SCHEMA)) is made from this file and `members`. The writer encodes records without
//! it: tests compare what it writes with the schema.
//!
//! A record has the members of its type. Members that this version does not know are ignored: later versions may add
//! some. Texts are borrowed from the line or owned, as the reader needs them ([`Text`]).
//!
//! # Versions
//!
//! | `v` | since | differences |
//! |---|---|---|
//! | 1 | 0.1.0 | `principal` of `folded` is a text |
//! | 2 | 0.1.0 | members about the connection, `head_us`, `instance`; `principal` is always an object |

use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::Value;

use super::members::{
    CleanedMember, DegradedMember, ExposedMember, FailedCredentialMember, GuardMember, NoteMember,
    PrincipalMember, RefusalMember, principal_of_any_version,
};

/// One record of an audit trail: one line of JSON.
///
/// Which members are there depends on `type`. A member that is not there is unknown, or does not apply.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, bound(deserialize = "S: Deserialize<'de> + Default + Ord"))]
pub(crate) struct Record<S = Box<str>> {
    /// The version of the members: 1 or 2.
    pub(crate) v: u64,
    /// The type: `request`, `head`, `end` or `gate` for a request, `event`, `folded`, or one of the writer: `opened`,
    /// `resumed`, `recovered`, `lost`, `retired`, `clock_step`, `rotated`, `closed`, `cut`. Sinks other than files have
    /// `held_back` in place of `folded`.
    #[serde(rename = "type")]
    pub(crate) kind: S,
    /// When it happened, in RFC 3339 and UTC with microseconds: for a request its arrival.
    pub(crate) time: S,
    /// The number of the record in its trail, from 1. Only in files.
    pub(crate) seq: Option<u64>,
    /// The hash of this record and the one before, in hexadecimal digits. Only in files.
    pub(crate) hash: Option<S>,

    /// The identifier of the request, as the client sees it in `x-request-id`. The records of one request have the same.
    pub(crate) id: Option<S>,
    /// The trace of the request: 32 hexadecimal digits (W3C Trace Context).
    pub(crate) trace_id: Option<S>,
    /// Of how many successful requests this is the one with a record. 1 if it is not there.
    pub(crate) sampled: Option<u64>,
    /// The method; `OVERLONG` for one of more than 16 bytes.
    pub(crate) method: Option<S>,
    /// The template of the route. Not there if no route is known.
    pub(crate) route: Option<S>,
    /// The path, where an option records it.
    pub(crate) path: Option<S>,
    /// The length in bytes of a path without a known route.
    pub(crate) path_length: Option<u64>,
    /// The code of such a path under a key.
    pub(crate) path_code: Option<S>,
    /// The host that the client asked for: that of a trusted proxy, or of the request. Not there in a trail with
    /// pseudonyms of principals, or for a text that can be no host.
    pub(crate) host: Option<S>,
    /// The version of HTTP: `0.9`, `1.0`, `1.1`, `2` or `3`.
    pub(crate) http: Option<S>,
    /// The address of the client, as the settings record it. Of repetitions by IPv6 its network of 64 bits.
    pub(crate) client: Option<S>,
    /// How the address of the client was decided: `peer` (it is that of the connection) or `proxy` (a trusted proxy says
    /// so).
    pub(crate) client_from: Option<S>,
    /// The other end of the connection, where it is not the client: the nearest proxy.
    pub(crate) peer: Option<S>,
    /// How the request reached this server, or the outermost trusted proxy: `http` or `https`.
    pub(crate) scheme: Option<S>,
    /// The version of TLS of the connection: `1.2` or `1.3`. Not there without TLS at this server.
    pub(crate) tls: Option<S>,
    /// `anonymous`, or `unknown` without authentication. Not there beside `principal`.
    pub(crate) identity: Option<S>,
    /// Who sent the request.
    #[serde(deserialize_with = "principal_of_any_version")]
    pub(crate) principal: Option<PrincipalMember<S>>,
    /// The public identifier of the key of codes and pseudonyms.
    pub(crate) hmac_key: Option<S>,
    /// Chosen headers and query parameters, as `header.NAME` and `query.NAME`: a code, or the value in clear.
    pub(crate) fields: Option<BTreeMap<S, S>>,
    /// The bytes of the request body that its head declares (`Content-Length`). Not there for a stream.
    pub(crate) request_bytes: Option<u64>,
    /// The bytes of the request body that were read, up to this record. Not there for requests without a body, and behind
    /// a server that does not count them.
    pub(crate) request_bytes_read: Option<u64>,
    /// The status of the response.
    pub(crate) status: Option<u16>,
    /// How the request ended: `complete`, `body_dropped`, `body_failed`, `cancelled`, `panicked`, `service_failed` or
    /// `upgraded`.
    pub(crate) how: Option<S>,
    /// Bytes of the response body that were handed to the server. In `recovered` those that were set aside, in `retired`
    /// those that were deleted.
    pub(crate) bytes: Option<u64>,
    /// The status of a gRPC call.
    pub(crate) grpc_status: Option<u64>,
    /// Microseconds from the arrival to the head of the response.
    pub(crate) head_us: Option<u64>,
    /// Microseconds from the arrival to this record.
    pub(crate) duration_us: Option<u64>,
    /// Refusals: of several the first and the last.
    pub(crate) refused: Option<Vec<RefusalMember<S>>>,
    /// How many refusals there were, if more than are listed.
    pub(crate) refused_count: Option<u64>,
    /// Refusals of guards in shadow mode, which refused nothing.
    pub(crate) would_refuse: Option<Vec<RefusalMember<S>>>,
    /// Credentials that are not valid: of several the first and the last.
    pub(crate) credential_failed: Option<Vec<FailedCredentialMember<S>>>,
    /// How many of them there were, if more than are listed.
    pub(crate) credential_failed_count: Option<u64>,
    /// Text fields that were cleaned.
    pub(crate) cleaned: Option<Vec<CleanedMember<S>>>,
    /// Credentials that were sent where others can see them.
    pub(crate) credential_exposed: Option<Vec<ExposedMember<S>>>,
    /// Guards that decided without a part that they need.
    pub(crate) degraded: Option<Vec<DegradedMember<S>>>,
    /// Notes of guards and handlers.
    pub(crate) noted: Option<Vec<NoteMember<S>>>,
    /// Guards that panicked at the end of the request.
    pub(crate) close_panicked: Option<Vec<GuardMember<S>>>,
    /// Facts beyond the limits of a request.
    pub(crate) facts_lost: Option<u64>,
    /// What limits and budgets took before the handler, by the units in which it is settled.
    pub(crate) reserved: Option<BTreeMap<S, u64>>,
    /// What the request cost, by the units that the handler named.
    pub(crate) settled: Option<BTreeMap<S, u64>>,
    /// How long the record was before it was written without its notes, or not at all (`cut`).
    pub(crate) cut_from_bytes: Option<u64>,

    /// The identifier of an event, such as `key.revoked`: see the catalogue.
    pub(crate) event_id: Option<S>,
    /// What the event says, by name.
    pub(crate) data: Option<BTreeMap<S, Value>>,
    /// Members of the event beyond 16.
    pub(crate) members_lost: Option<u64>,

    /// The guard that refused what is counted; `event` for events.
    pub(crate) guard: Option<S>,
    /// The code of the refusals that are counted, or the identifier of the events.
    pub(crate) code: Option<S>,
    /// How many refusals or events have no record but this one.
    pub(crate) count: Option<u64>,
    /// When the first of them was counted.
    pub(crate) first: Option<S>,
    /// When the last of them was counted.
    pub(crate) last: Option<S>,

    /// The name of the trail, in `opened`; in `recovered` that of an earlier one which is gone.
    pub(crate) trail: Option<S>,
    /// The algorithm of the chain, in `opened`.
    pub(crate) algorithm: Option<S>,
    /// The public identifier of the key of the chain, in `opened`.
    pub(crate) key: Option<S>,
    /// The number of the segment, in `opened` of a trail with an evolving key.
    pub(crate) epoch: Option<u64>,
    /// The hash of the record before, in `opened`.
    pub(crate) follows: Option<S>,
    /// The Merkle tree over the records before, in `opened`.
    pub(crate) tree: Option<S>,
    /// The program that writes, in `opened`.
    pub(crate) writer: Option<S>,
    /// The name of the machine, in `opened` and `resumed`.
    pub(crate) instance: Option<S>,
    /// The number of the process, in `opened` and `resumed`.
    pub(crate) process: Option<u64>,
    /// How the process before ended, in `resumed`: `close` or `interruption`.
    pub(crate) after: Option<S>,
    /// What an interrupted writer promised, in `resumed`: `fail_closed`, `block` or `drop_and_count`.
    pub(crate) promise: Option<S>,
    /// Requests with a head and no end in the file, in `resumed`.
    pub(crate) unfinished: Option<u64>,
    /// When the last record before an interruption was written, in `resumed`.
    pub(crate) last_record: Option<S>,
    /// The reason, in `recovered`: `torn_line`, `damaged`, `deleted`, `replaced`, `rolled_back`, `trail_missing`, or the
    /// step that failed.
    pub(crate) cause: Option<S>,
    /// The file with what was set aside, in `recovered`.
    pub(crate) set_aside: Option<S>,
    /// A torn line that could not be copied to a file, in `recovered`.
    pub(crate) text: Option<S>,
    /// The first record that is missing (`recovered`) or deleted (`retired`).
    pub(crate) from: Option<u64>,
    /// The last record that is missing (`recovered`) or deleted (`retired`).
    pub(crate) to: Option<u64>,
    /// The hash of the last deleted record, in `retired`.
    pub(crate) last_hash: Option<S>,
    /// Deleted files, in `retired`.
    pub(crate) files: Option<u64>,
    /// Why they were deleted, in `retired`: `age`, `size` or `low_space`.
    pub(crate) why: Option<S>,
    /// Requests without a record that were served, in `lost`.
    pub(crate) dropped: Option<u64>,
    /// Requests that were refused because they could not be recorded, in `lost`.
    pub(crate) turned_away: Option<u64>,
    /// Events without a record, in `lost`.
    pub(crate) events: Option<u64>,
    /// The time that the clock should show, in `clock_step`.
    pub(crate) expected: Option<S>,
    /// `forward` or `back`, in `clock_step`.
    pub(crate) direction: Option<S>,
    /// By how much the clock was set, in `clock_step`.
    pub(crate) milliseconds: Option<u64>,
    /// The root of the Merkle tree over the records before, in `rotated` and `closed`.
    pub(crate) root: Option<S>,
}

impl<'a> Record<Text<'a>> {
    /// Reads a line, and borrows its texts. `None` if it is not one JSON object with members of the right types.
    ///
    /// A usual record costs no allocation for its texts.
    pub(crate) fn borrowed(line: &'a [u8]) -> Option<Self> {
        // An array would be taken for the members in their order.
        let is_object = line.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(line).ok())?
    }
}

impl Record {
    /// Reads a line, and copies its texts. `None` if it is not one JSON object with members of the right types.
    pub(crate) fn owned(line: &str) -> Option<Self> {
        let is_object = line.trim_start().starts_with('{');
        is_object.then(|| serde_json::from_str(line).ok())?
    }
}

/// The JSON Schema of a record (draft 2020-12): one line of a trail, or what a sink sends of one.
///
/// It is made from the type with which records are read, and the repository has a test that compares the two.
/// `palisade audit schema` prints it. Members are added in later versions, so it allows others.
///
/// # Examples
///
/// ```
/// use palisade_audit::RECORD_SCHEMA;
///
/// let schema: serde_json::Value = serde_json::from_str(RECORD_SCHEMA)?;
/// assert_eq!(schema["properties"]["status"]["type"], "integer");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub const RECORD_SCHEMA: &str = include_str!("schema.json");

/// The version of the records that are written. Members may be added to it; none changes its meaning.
pub(crate) const VERSION: u64 = 2;

/// Returns whether this version knows the members of records with this number.
pub(crate) fn is_known_version(v: u64) -> bool {
    (1..=VERSION).contains(&v)
}

/// A text that is borrowed from its line if it has no escapes.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(text.to_owned().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_read_in_both_versions() {
        for line in [
            r#"{"v":1,"type":"folded","principal":"anna"}"#,
            r#"{"v":2,"type":"folded","principal":{"id":"anna"}}"#,
            r#"{"v":1,"type":"folded","principal":"\u0061nna"}"#,
        ] {
            let record = Record::borrowed(line.as_bytes()).unwrap();
            let id = record.principal.and_then(|it| it.id);
            assert_eq!(id.as_deref(), Some("anna"), "{line}");
            let record = Record::owned(line).unwrap();
            let id = record.principal.and_then(|it| it.id);
            assert_eq!(id.as_deref(), Some("anna"), "{line}");
        }
    }

    #[test]
    fn texts_are_borrowed_unless_they_have_escapes() {
        let line = br#"{"type":"opened","trail":"a\u0062"}"#;
        let record = Record::borrowed(line).unwrap();
        assert!(matches!(record.kind.0, Cow::Borrowed("opened")));
        assert_eq!(record.trail.as_deref(), Some("ab"));
    }

    #[test]
    fn unknown_members_are_ignored_and_wrong_types_are_no_record() {
        let line = r#"{"v":9,"type":"later","of_a_later_version":[{}]}"#;
        assert_eq!(Record::owned(line).unwrap().v, 9);
        for line in [r#"{"type":7}"#, r#"{"status":"200"}"#, "[]", "{} {}"] {
            assert!(Record::owned(line).is_none(), "{line}");
        }
    }
}
