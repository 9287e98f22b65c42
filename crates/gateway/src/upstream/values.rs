//! The values of `[[upstreams]]`, checked.
//!
//! Each function reads one key or one section, and returns what the rest of the crate works with: later
//! code gets a type that can only hold values in range. A value that could never have an effect is an
//! error too, such as a host with a port, or a prefix with a star: the operator means something by it.
//!
//! Every error names the line of the value itself. Several upstreams have the same keys, so the name of a
//! key alone would point to the first of them.
//!
//! | key | range | default |
//! |---|---|---|
//! | `servers` | 1 to 64 | `url` alone |
//! | `weight` | 1 to 100 | 1 |
//! | `retries` | 0 to 3 | 1 |
//! | `failures` of the breaker | 1 to 1000 | 5 |
//! | `open_seconds` of the breaker | 1 to 86400 | 10 |
//! | `interval_seconds`, `timeout_seconds` of health checks | 1 to 86400 | 10, 2 |
//! | `unhealthy_after`, `healthy_after` | 1 to 1000 | 3, 2 |

use std::time::Duration;

use http::{
    HeaderName,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
    uri::PathAndQuery,
};
use palisade::config::ConfigFileError;
use toml::Spanned;

use super::{
    breaker::BreakerSettings,
    connect::TlsOptions,
    health::HealthSettings,
    section::{BreakerSection, HealthSection, Section, ServerSection, TlsSection},
    timeouts::read_seconds,
};
use crate::{
    body::Trailers, client_fields::PREFIX as IDENTITY_PREFIX, path::check_path, problem::Place,
};

/// The greatest weight of a server.
///
/// Finer shares than one in a hundred cannot be observed.
const MOST_WEIGHT: u64 = 100;
/// The most servers of one upstream.
///
/// Each request looks at all of them once.
const MOST_SERVERS: usize = 64;
/// The most retries of one request.
const MOST_RETRIES: u64 = 3;
/// The most outcomes in a row that are counted.
///
/// A larger number would mean that a server is never turned off.
const MOST_IN_A_ROW: u64 = 1000;

/// Fields that frame a message or concern its connection. The gateway writes them itself.
///
/// A fixed `Content-Length` or `Transfer-Encoding` would let one request become two (RFC 9112 section
/// 11.2).
const FRAMING: [HeaderName; 7] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Returns addresses and weights: one of `url`, or those of `[[upstreams.servers]]`.
///
/// # Errors
///
/// There is no address, both forms are used, a weight is out of range, or there are more than 64
/// servers.
pub(super) fn read_servers<'a>(
    section: &'a Section,
    place: Place<'_>,
) -> Result<Vec<(&'a Spanned<String>, u32)>, ConfigFileError> {
    match (&section.url, section.servers.as_slice()) {
        (Some(url), []) => Ok(vec![(url, 1)]),
        (None, []) => {
            let remedy = "add `url = \"http://127.0.0.1:5000\"`, or `[[upstreams.servers]]`";
            Err(place.missing_key("upstreams", "url", "an upstream has no address", remedy))
        }
        (Some(url), _) => {
            let problem = "the upstream has `url` and [[upstreams.servers]]";
            Err(place.invalid_value(url, problem, "move it to a server of its own"))
        }
        (None, servers) => match servers.get(MOST_SERVERS) {
            Some(extra) => {
                let problem = "an upstream has more than 64 servers";
                Err(place.invalid_value(&extra.url, problem, "put a load balancer before them"))
            }
            None => servers
                .iter()
                .map(|server| weighted_server(server, place))
                .collect(),
        },
    }
}

/// Returns the address of one server and its share of the requests. Default: 1.
///
/// # Errors
///
/// The weight is 0 or above 100.
fn weighted_server<'a>(
    server: &'a ServerSection,
    place: Place<'_>,
) -> Result<(&'a Spanned<String>, u32), ConfigFileError> {
    let weight = server.weight.as_ref();
    let weight = weight.map(|weight| read_number(weight, 1, MOST_WEIGHT, place));
    Ok((&server.url, weight.transpose()?.unwrap_or(1)))
}

/// Checks the range of a number. The error names both bounds.
///
/// # Errors
///
/// The number is below `least` or above `most`.
pub(super) fn read_number(
    key: &Spanned<u64>,
    least: u64,
    most: u64,
    place: Place<'_>,
) -> Result<u32, ConfigFileError> {
    let written = *key.get_ref();
    match u32::try_from(written) {
        Ok(number) if (least..=most).contains(&written) => Ok(number),
        _ => Err(place.invalid_value(
            key,
            format_args!("{written} is out of range"),
            &format!("write {least} to {most}"),
        )),
    }
}

/// Returns how often a request may be sent again. Default: once.
///
/// # Errors
///
/// The number is above 3: a client would wait for each failure in turn.
pub(super) fn read_retries(section: &Section, place: Place<'_>) -> Result<u32, ConfigFileError> {
    let retries = section.retries.as_ref();
    let retries = retries.map(|retries| read_number(retries, 0, MOST_RETRIES, place));
    Ok(retries.transpose()?.unwrap_or(1))
}

/// Reads `[upstreams.breaker]`. Without the section the defaults hold: every server has a breaker.
///
/// # Errors
///
/// A number is out of range. Zero failures would mean a server that never gets a request.
pub(super) fn read_breaker(
    section: Option<&BreakerSection>,
    place: Place<'_>,
) -> Result<BreakerSettings, ConfigFileError> {
    let default = BreakerSettings::default();
    let Some(section) = section else {
        return Ok(default);
    };
    let failures = section.failures.as_ref();
    let failures = failures.map(|failures| read_number(failures, 1, MOST_IN_A_ROW, place));
    let open = section.open_seconds.as_ref();
    let open = open.map(|open| read_seconds(open, place));
    Ok(BreakerSettings {
        failures: failures.transpose()?.unwrap_or(default.failures),
        open: open.transpose()?.unwrap_or(default.open),
    })
}

/// Reads `[upstreams.health]`.
///
/// # Errors
///
/// The path does not begin with a slash, or a number is out of range.
pub(super) fn read_health(
    section: &HealthSection,
    place: Place<'_>,
) -> Result<HealthSettings, ConfigFileError> {
    let written = section.path.get_ref();
    let path = written.parse::<PathAndQuery>().ok();
    let path = path.filter(|_| written.starts_with('/')).ok_or_else(|| {
        let problem = format!("`{written}` is no path");
        place.invalid_value(&section.path, problem, "write a path such as \"/health\"")
    })?;
    let time = |key: &Option<Spanned<u64>>, default: u64| match key {
        Some(key) => read_seconds(key, place),
        None => Ok(Duration::from_secs(default)),
    };
    let count = |key: &Option<Spanned<u64>>, default: u32| match key {
        Some(key) => read_number(key, 1, MOST_IN_A_ROW, place),
        None => Ok(default),
    };
    Ok(HealthSettings {
        path,
        interval: time(&section.interval_seconds, 10)?,
        timeout: time(&section.timeout_seconds, 2)?,
        unhealthy_after: count(&section.unhealthy_after, 3)?,
        healthy_after: count(&section.healthy_after, 2)?,
    })
}

/// Returns the hosts. They are compared with the name of a request, which has no port.
///
/// # Errors
///
/// A name with a port or a pattern would never match.
pub(super) fn read_hosts(
    section: &Section,
    place: Place<'_>,
) -> Result<Vec<String>, ConfigFileError> {
    let check = |host: &Spanned<String>| {
        let name = host.get_ref();
        let usable = !name.is_empty() && !name.contains(['*', '/', '@', ' ']);
        let has_port = name
            .rsplit_once(':')
            .is_some_and(|(front, _)| !front.contains(':') || front.ends_with(']'));
        match usable && !has_port {
            true => Ok(name.clone()),
            false => Err(place.invalid_value(
                host,
                format_args!("`{name}` matches no request"),
                "write a name such as \"voice.example\", without port, path and star",
            )),
        }
    };
    section.hosts.iter().map(check).collect()
}

/// Returns the prefix without its last slash, so that `/v1` and `/v1/` mean the same.
///
/// # Errors
///
/// No request could match it: it has a star, a brace, a query, or parts that are refused in every path.
pub(super) fn read_prefix(section: &Section, place: Place<'_>) -> Result<String, ConfigFileError> {
    let Some(path) = &section.path else {
        return Ok(String::new());
    };
    let written = path.get_ref();
    let matchable = written.starts_with('/')
        && !written.contains(['*', '?', '#', '{'])
        && check_path(written).is_ok();
    match matchable {
        true => Ok(written.trim_end_matches('/').to_owned()),
        false => Err(place.invalid_value(
            path,
            format_args!("`{written}` matches no request"),
            "write a prefix such as \"/v1\", without dots, queries, braces and stars",
        )),
    }
}

/// Returns whether the upstream speaks HTTP/2.
///
/// # Errors
///
/// Another version is named. HTTP/3 to an upstream is not spoken.
pub(super) fn is_http2(section: &Section, place: Place<'_>) -> Result<bool, ConfigFileError> {
    match section
        .http
        .as_ref()
        .map(|key| (key, key.get_ref().as_str()))
    {
        None | Some((_, "1")) => Ok(false),
        Some((_, "2")) => Ok(true),
        Some((key, other)) => Err(place.invalid_value(
            key,
            format_args!("`{other}` is no version of HTTP that the gateway speaks"),
            "write \"1\" for HTTP/1.1 or \"2\" for HTTP/2",
        )),
    }
}

/// Parses the names of trailers.
///
/// # Errors
///
/// A name is no token, or a field of that name has a meaning only in a head: it frames the message, or
/// says who the client is (RFC 9110 section 6.5.1). An empty list is allowed and drops all trailers.
pub(super) fn read_trailers(
    section: &Section,
    place: Place<'_>,
) -> Result<Trailers, ConfigFileError> {
    let Some(written) = &section.trailers else {
        return Ok(Trailers::default());
    };
    let names = written.iter().map(|name| {
        let parsed = own_name(name, place)?;
        match is_of_head(parsed.as_str()) {
            true => Err(place.invalid_value(
                name,
                format_args!("`{parsed}` says who the client is, which only a head may do"),
                "remove it",
            )),
            false => Ok(parsed),
        }
    });
    Ok(Trailers::allow_only(names.collect::<Result<_, _>>()?))
}

/// Returns whether a recipient that merges trailers into the head would take such a field for the
/// gateway's or the client's word about the client.
fn is_of_head(name: &str) -> bool {
    let names = [
        "authorization",
        "cookie",
        "forwarded",
        "set-cookie",
        "x-api-key",
    ];
    let prefixes = ["x-forwarded-", IDENTITY_PREFIX];
    names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Parses the name of a field that the operator may set, remove or let pass.
///
/// # Errors
///
/// It is no token, or such a field frames the message.
pub(super) fn own_name(
    name: &Spanned<String>,
    place: Place<'_>,
) -> Result<HeaderName, ConfigFileError> {
    let parsed = header_name(name, place)?;
    match FRAMING.contains(&parsed) {
        true => Err(place.invalid_value(
            name,
            format_args!("`{parsed}` frames the message and is written by the gateway"),
            "remove it; `host` has a key of its own",
        )),
        false => Ok(parsed),
    }
}

/// Parses the name of a field.
///
/// Case does not matter; the result is in lower case.
///
/// # Errors
///
/// It is empty, or has characters that a token cannot have (RFC 9110 section 5.6.2).
fn header_name(name: &Spanned<String>, place: Place<'_>) -> Result<HeaderName, ConfigFileError> {
    name.get_ref().parse().map_err(|_| {
        let problem = format!("`{}` is no name of a field", name.get_ref());
        place.invalid_value(name, problem, "write letters, digits and hyphens")
    })
}

/// Resolves the files of `[upstreams.tls]`. They are read when the client is made.
///
/// Relative paths begin at the folder of the configuration file.
///
/// # Errors
///
/// A certificate has no key, or a key no certificate.
pub(super) fn tls_options(
    section: &Spanned<TlsSection>,
    place: Place<'_>,
) -> Result<TlsOptions, ConfigFileError> {
    let tls = section.get_ref();
    let path = |key: &Spanned<String>| place.config().path(key.get_ref());
    let certificate = match (&tls.certificate, &tls.key) {
        (Some(chain), Some(key)) => Some((path(chain), path(key))),
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            let problem = "a certificate and its key belong together";
            return Err(place.invalid_value(one, problem, "write both `certificate` and `key`"));
        }
    };
    Ok(TlsOptions {
        ca: tls.ca.as_ref().map(path),
        name: tls.server_name.as_ref().map(|name| name.get_ref().clone()),
        certificate,
    })
}
