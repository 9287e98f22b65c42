//! The conditions of `palisade audit query`, `report` and `export`, as arguments.
//!
//! clap parses each value when the command starts, so a wrong address or status is reported before
//! the trail is read.
//!
//! # Forms
//!
//! | condition | form | example |
//! |---|---|---|
//! | `--since`, `--until` | RFC 3339 with a zone, or a span before now | `2h` |
//! | `--client` | an address, or a network in CIDR notation (RFC 4632) | `2001:db8::/48` |
//! | `--status` | 100 to 599, or a class from `1xx` to `5xx` | `4xx` |
//! | the others | text, compared in full and with case | |
//!
//! A record without the member that a condition is about is not selected.

use std::{net::IpAddr, str::FromStr, time::Duration};

use clap::Args;
use palisade_api_key::Timestamp;
use palisade_audit::RecordFilter;

use crate::moment::{self, Span};

/// Which records of a trail are selected. All conditions must hold.
///
/// Without a condition every record is selected. Text is compared in full and with case.
#[derive(Args)]
pub(super) struct Conditions {
    /// From this time on: a date as 2027-01-31T00:00:00Z, or how long ago, as 2h
    ///
    /// Records of this moment are included.
    #[arg(long, value_name = "TIME")]
    since: Option<PastMoment>,
    /// Before this time
    ///
    /// Records of this moment are not included, so that two ranges do not overlap.
    #[arg(long, value_name = "TIME")]
    until: Option<PastMoment>,
    /// The identifier of the principal
    ///
    /// As the records show it.
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// The owner (tenant) of the principal
    ///
    /// Finds the requests of all its keys and tokens.
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// The address of the client, or a network as 203.0.113.0/24
    ///
    /// IPv4 and IPv6. The address is the one that the service derived, not that of a proxy.
    #[arg(long, value_name = "ADDRESS[/BITS]")]
    client: Option<Network>,
    /// The template of the route
    ///
    /// As the rule has it, such as /voices/{id}.
    #[arg(long, value_name = "TEMPLATE")]
    route: Option<String>,
    /// The code of the refusal, such as quota_exceeded
    ///
    /// The member code of the problem document that the client got.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// The status of the response, or its class as 4xx
    ///
    /// 404 selects one status, 4xx all from 400 to 499.
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusRange>,
    /// The value of a recorded header or parameter, as query.user=hmac:4f0c…
    ///
    /// Its name as in the record: header.NAME or query.NAME. `palisade audit hash` computes the code of a value.
    #[arg(long, value_name = "NAME=VALUE")]
    field: Option<FieldValue>,
    /// The id of a firewall rule that matched, such as 942100
    ///
    /// A record names the first 16 rules that matched, in a person's text too.
    #[arg(long, value_name = "ID")]
    rule: Option<u64>,
    /// Refused requests only
    ///
    /// Refused by a layer or, through its API, by a handler. Errors of a handler are not refusals.
    #[arg(long)]
    refused: bool,
    /// The type of the record: request, event, folded, recovered and so on
    ///
    /// The member type of the record.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// The identifier of the request, from its `x-request-id` header or an error
    ///
    /// A client that reports a problem can name it: every response has it.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

impl Conditions {
    /// Returns the filter of these conditions.
    ///
    /// Durations are counted from now, once for both ends.
    pub(super) fn into_filter(self) -> RecordFilter {
        let now = moment::now();
        let mut filter = RecordFilter::new();
        if let Some(since) = self.since {
            filter = filter.since(since.from(now));
        }
        if let Some(until) = self.until {
            filter = filter.until(until.from(now));
        }
        if let Some(Network { address, bits }) = self.client {
            filter = filter.client(address, bits);
        }
        if let Some(StatusRange { first, last }) = self.status {
            filter = filter.status(first, last);
        }
        if let Some(FieldValue { name, value }) = self.field {
            filter = filter.field(name, value);
        }
        if let Some(rule) = self.rule {
            filter = filter.rule(rule);
        }
        let texts: [(Option<String>, fn(RecordFilter, String) -> RecordFilter); 6] = [
            (self.principal, RecordFilter::principal),
            (self.owner, RecordFilter::owner),
            (self.route, RecordFilter::route),
            (self.code, RecordFilter::code),
            (self.kind, RecordFilter::kind),
            (self.id, RecordFilter::request_id),
        ];
        for (text, condition) in texts {
            if let Some(text) = text {
                filter = condition(filter, text);
            }
        }
        match self.refused {
            true => filter.refused(),
            false => filter,
        }
    }
}

/// A time in the past: a date with time and zone (RFC 3339), or a duration before now.
///
/// `--since 2h` is the counterpart of `--expires 2h`, which lies in the future.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum PastMoment {
    /// A duration before the start of the command.
    Ago(Span),
    /// A date with time and zone.
    At(Timestamp),
}

impl PastMoment {
    /// Returns the time since the Unix epoch.
    fn from(self, now: Duration) -> Duration {
        match self {
            Self::Ago(Span(span)) => now.saturating_sub(span),
            Self::At(moment) => moment.unix(),
        }
    }
}

impl FromStr for PastMoment {
    type Err = String;

    /// # Errors
    ///
    /// Says which forms are accepted.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        let span = text.parse().map(Self::Ago);
        span.map_err(|problem| format!("{problem}, or a date as 2027-01-31T00:00:00Z"))
    }
}

/// An address with the bits of its network.
///
/// A plain address has all bits: 32 for IPv4, 128 for IPv6.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Network {
    /// Any address of the network.
    address: IpAddr,
    /// How many leading bits are compared, at most 32 or 128.
    bits: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| "write an address as 203.0.113.7, or a network as 2001:db8::/48".to_owned();
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(wrong)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => {
                let bits = bits.parse().ok().filter(|bits| *bits <= most);
                bits.ok_or_else(|| format!("the bits of this network are 0 to {most}"))?
            }
        };
        Ok(Self { address, bits })
    }
}

/// The name of a recorded header or parameter, and its value.
#[derive(Clone, Debug, Eq, PartialEq)]
struct FieldValue {
    name: String,
    value: String,
}

impl FromStr for FieldValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=');
        let parts =
            parts.filter(|(name, _)| name.starts_with("header.") || name.starts_with("query."));
        let (name, value) =
            parts.ok_or("write header.NAME=VALUE or query.NAME=VALUE, as the record has it")?;
        Ok(Self {
            name: name.into(),
            value: value.into(),
        })
    }
}

/// A status, or all of a class.
///
/// Both ends belong to it. `404` is 404 to 404, `4xx` is 400 to 499.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct StatusRange {
    /// The smallest status.
    first: u16,
    /// The largest status.
    last: u16,
}

impl FromStr for StatusRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str, least, most| {
            let number: Option<u16> = text.parse().ok();
            number.filter(|number| (least..=most).contains(number))
        };
        let range = match text.strip_suffix("xx") {
            Some(class) => number(class, 1, 5).map(|class| (class * 100, class * 100 + 99)),
            None => number(text, 100, 599).map(|status| (status, status)),
        };
        let wrong = || "write a status as 404, or a class as 4xx".to_owned();
        range
            .map(|(first, last)| Self { first, last })
            .ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_classes_are_read_and_nonsense_is_not() {
        let network = |text: &str| text.parse::<Network>().ok().map(|network| network.bits);
        assert_eq!(network("203.0.113.7"), Some(32));
        assert_eq!(network("2001:db8::/48"), Some(48));
        for nonsense in ["", "203.0.113", "203.0.113.0/33", "203.0.113.0/", "host/8"] {
            assert_eq!(network(nonsense), None, "{nonsense}");
        }
        let status = |text: &str| {
            text.parse()
                .ok()
                .map(|StatusRange { first, last }| (first, last))
        };
        assert_eq!(status("404"), Some((404, 404)));
        assert_eq!(status("4xx"), Some((400, 499)));
        for nonsense in ["", "xx", "4", "9xx", "600", "65535xx", "4x"] {
            assert_eq!(status(nonsense), None, "{nonsense}");
        }
    }
}
