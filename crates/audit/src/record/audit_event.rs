//! Events that are not requests: start, stop, reload, changed keys, refused connections.

use std::{fmt, net::IpAddr, time::Duration};

use crate::record::{document::VERSION, json::Object, redaction::Redaction};

/// Members of one event. More are counted in `members_lost`.
const MAX_MEMBERS: usize = 16;
/// Characters of one text. The rest is cut off, and `…` says so.
const MAX_TEXT: usize = 128;

/// Something that happened and is not a request, for the audit trail.
///
/// An event has an identifier that stays the same over versions (see [`event_id`](crate::event_id)). It has at most
/// 16 members, and texts of at most 128 characters. More members are dropped and counted in the
/// record as `members_lost`; longer texts are cut and end with `…`. It must contain no secret:
/// texts are recorded in clear. Who and where it is about belongs into [`principal`](Self::principal),
/// [`owner`](Self::owner), [`credential`](Self::credential), [`address`](Self::address) and [`network`](Self::network):
/// a layer that records pseudonyms or masks addresses does so with them.
///
/// Events that a client can cause carry its address ([`from_client`](Self::from_client)). Of those,
/// a [`FileSink`](crate::FileSink) writes the first of each identifier and address, and then one
/// record with their number in each window, so that no client can fill the disk.
///
/// ```
/// use palisade_audit::{AuditEvent, AuditLayer, MemorySink, event_id};
///
/// let memory = MemorySink::new();
/// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
/// layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED).text("file", "palisade.toml"));
/// layer.record(
///     AuditEvent::new(event_id::TLS_HANDSHAKE_FAILED)
///         .from_client("203.0.113.7".parse().unwrap())
///         .text("reason", "no shared cipher suite"),
/// );
/// assert!(memory.lines()[0].contains("configuration.reloaded"));
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[must_use]
pub struct AuditEvent {
    /// The identifier.
    id: &'static str,
    /// When it happened, since the Unix epoch. Set at the latest when it is recorded.
    time: Option<Duration>,
    /// The client that caused it.
    client: Option<IpAddr>,
    /// Named values in the order in which they were added.
    members: Vec<(&'static str, Value)>,
    /// Members beyond the limit.
    members_lost: u64,
}

/// The value of a member.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Value {
    /// An address, or a network with the length of its prefix.
    Address(IpAddr, Option<u8>),
    /// `true` or `false`.
    Flag(bool),
    /// The whole name of a person or a credential, and the part of a principal that it is.
    Name(&'static str, Box<str>),
    /// A number.
    Number(u64),
    /// A text of at most 128 characters, or a cut one that ends with `…`.
    Text(Box<str>),
}

impl AuditEvent {
    /// Returns an event with an identifier: one of [`event_id`](crate::event_id), or a custom one with a prefix of
    /// the application.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::AuditEvent;
    ///
    /// let event = AuditEvent::new("tts.voice_replaced").text("voice", "zhitian").number("bytes", 70_000_000);
    /// assert_eq!(event.id(), "tts.voice_replaced");
    /// ```
    pub fn new(id: &'static str) -> Self {
        Self {
            id,
            time: None,
            client: None,
            members: Vec::new(),
            members_lost: 0,
        }
    }

    /// Adds a text. Only its first 128 characters are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::AuditEvent;
    ///
    /// let event = AuditEvent::new("tts.text").text("begin", "x".repeat(200));
    /// assert!(event.to_json().contains("xxx…"));
    /// ```
    pub fn text(self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.member(name, Value::Text(bounded(value.as_ref())))
    }

    /// Adds a number. Put the unit into the name: `free_bytes`, `delay_ms`.
    pub fn number(self, name: &'static str, value: u64) -> Self {
        self.member(name, Value::Number(value))
    }

    /// Adds `true` or `false`.
    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.member(name, Value::Flag(value))
    }

    /// Adds the identifier of a principal: in clear, or as the code that its requests have.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditEvent, AuditKey, AuditLayer, MemorySink};
    ///
    /// let memory = MemorySink::new();
    /// let layer = AuditLayer::builder().sink(memory.clone()).correlation_key(AuditKey::generate()?);
    /// let layer = layer.pseudonymize_principals().build()?;
    /// layer.record(AuditEvent::new("app.greeted").principal("who", "anna"));
    /// assert!(!memory.lines()[1].contains("anna"));
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn principal(self, name: &'static str, id: impl Into<Box<str>>) -> Self {
        self.member(name, Value::Name("principal", id.into()))
    }

    /// Adds the owner of a principal: in clear, or as the code that its requests have.
    pub fn owner(self, name: &'static str, owner: impl Into<Box<str>>) -> Self {
        self.member(name, Value::Name("owner", owner.into()))
    }

    /// Adds the public identifier of a credential: in clear, or as the code that its requests have.
    pub fn credential(self, name: &'static str, id: impl Into<Box<str>>) -> Self {
        self.member(name, Value::Name("credential", id.into()))
    }

    /// Adds an address: as that of a client is recorded, masked or as a pseudonym if the layer says so.
    pub fn address(self, name: &'static str, address: IpAddr) -> Self {
        self.member(name, Value::Address(address.to_canonical(), None))
    }

    /// Adds a network by its first address and the length of its prefix. A layer that masks addresses or records
    /// pseudonyms treats it as this address.
    pub fn network(self, name: &'static str, first: IpAddr, prefix_bits: u8) -> Self {
        self.member(name, Value::Address(first, Some(prefix_bits)))
    }

    /// Sets the address of the client that caused the event. Repeated events of one address are
    /// counted.
    ///
    /// An IPv4 address in IPv6 form becomes plain IPv4. The layer masks the address if it masks
    /// clients.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::AuditEvent;
    ///
    /// let event = AuditEvent::new("login.refused").from_client("::ffff:203.0.113.7".parse()?);
    /// assert_eq!(event.client(), Some("203.0.113.7".parse()?));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn from_client(mut self, address: IpAddr) -> Self {
        self.client = Some(address.to_canonical());
        self
    }

    /// Sets when it happened, as time since the Unix epoch. Default: the time at which it is
    /// recorded.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_audit::AuditEvent;
    ///
    /// // Read from the log of another system, which says when it happened.
    /// let event = AuditEvent::new("backup.finished").at(Duration::from_secs(1_798_761_600));
    /// assert!(event.to_json().contains("2027-01-01T00:00:00"));
    /// ```
    pub fn at(mut self, unix_time: Duration) -> Self {
        self.time = Some(unix_time);
        self
    }

    /// Returns the identifier.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// Returns the address of the client that caused it. `None` if no client did.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// Returns when it happened. `None` until it is recorded, unless [`at`](Self::at) set it.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        self.time
    }

    /// Writes the event as one line of JSON, without a line end and outside of any chain.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditEvent, event_id};
    ///
    /// let line = AuditEvent::new(event_id::SERVICE_STARTED).flag("first_start", true).to_json();
    /// assert!(line.ends_with(r#""event_id":"service.started","data":{"first_start":true}}"#), "{line}");
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(256);
        self.encode_unsealed(&mut out);
        out.push(b'}');
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Sets the time if it is not set.
    pub(crate) fn recorded_at(mut self, now: Duration) -> Self {
        self.time.get_or_insert(now);
        self
    }

    /// Shows addresses and names as the layer records them.
    pub(crate) fn redacted(mut self, redaction: &Redaction) -> Self {
        self.client = self.client.map(|client| redaction.recorded_client(client));
        for (_, value) in &mut self.members {
            match value {
                Value::Address(ip, prefix) => {
                    let recorded = redaction.recorded_client(*ip);
                    let is_changed = redaction.mask_client || redaction.client_pseudonyms;
                    *value = Value::Address(recorded, prefix.filter(|_| !is_changed));
                }
                Value::Name(part, name) => {
                    *value = Value::Text(bounded(&redaction.recorded_name(part, name)));
                }
                Value::Flag(_) | Value::Number(_) | Value::Text(_) => {}
            }
        }
        self
    }

    /// Writes the event as a record that is still open, for the chain to seal.
    pub(crate) fn encode_unsealed(&self, out: &mut Vec<u8>) {
        let mut record = Object::open(out);
        record.number("v", VERSION);
        record.text("type", "event");
        record.time("time", self.time.unwrap_or_default());
        record.limited("event_id", self.id, MAX_TEXT);
        if let Some(client) = self.client {
            record.plain("client", client);
        }
        self.members(&mut record);
        record.leave_open();
    }

    /// Writes the members, and how many were dropped.
    fn members(&self, record: &mut Object<'_>) {
        if !self.members.is_empty() {
            let mut data = record.object("data");
            for (name, value) in &self.members {
                match value {
                    Value::Address(ip, None) => data.plain(name, ip),
                    Value::Address(ip, Some(prefix)) => {
                        data.plain(name, format_args!("{ip}/{prefix}"));
                    }
                    Value::Name(_, value) => data.text(name, &bounded(value)),
                    Value::Flag(value) => data.flag(name, *value),
                    Value::Number(value) => data.number(name, *value),
                    Value::Text(value) => data.text(name, value),
                }
            }
            data.close();
        }
        if self.members_lost > 0 {
            record.number("members_lost", self.members_lost);
        }
    }

    /// Adds a member, or counts it as dropped after 16.
    fn member(mut self, name: &'static str, value: Value) -> Self {
        if self.members.len() < MAX_MEMBERS {
            self.members.push((name, value));
        } else {
            self.members_lost = self.members_lost.saturating_add(1);
        }
        self
    }
}

impl fmt::Debug for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// Cuts a text after 128 characters.
fn bounded(text: &str) -> Box<str> {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.into(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
    }
}
