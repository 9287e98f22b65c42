//! Compares `[[upstreams]]` with the services that are there, for `palisade doctor`.
//!
//! Each server gets a `GET` of the path of its health checks, or of `/`, as a health check sends it:
//! without a credential and without an identity. Only if that fails, it gets one or two more, to say what
//! would work.
//!
//! | finding | when |
//! |---|---|
//! | `file-unreadable`, `secret-readable`, `secret-short` | a file of the section, before anything is sent |
//! | `upstream-unreachable` | no connection, or no response within 10 s |
//! | `upstream-tls` | the handshake fails: another authority, another name, no TLS at all |
//! | `upstream-version` | it speaks the other version of HTTP |
//! | `upstream-host` | it refuses the `Host` that it gets, and accepts another |
//! | `upstream-health` | the path of the health checks has status 400 or above |
//! | `upstream-timeout` | a timeout is shorter than twice what the response took, or contradicts another |

mod request;

use std::time::Duration;

use http::{StatusCode, uri::Authority};
use palisade::{
    config::{Config, ConfigFileError, FileContent},
    core::SystemClock,
    diagnostics,
    shield::Warning,
};
use toml::Spanned;

use self::request::{NoResponse, PATIENCE, Seen, ask_as, send_request};
use super::{Upstreams, section::Section, server::Server, service::Upstream, values};
use crate::problem::Place;

/// Servers of WebSockets ping every 20 to 30 seconds.
const SHORTEST_IDLE: Duration = Duration::from_secs(30);

impl Upstreams {
    /// Compares `[[upstreams]]` with the services: reachability, TLS, version of HTTP, `Host`, health
    /// check, timeouts, and the files of the section.
    ///
    /// Each server gets at most four `GET` requests without a credential. It takes at most 10 seconds for
    /// each of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    /// use palisade_gateway::Upstreams;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let text = "server.hosts = ['voice.example']\n[[upstreams]]\nurl = 'http://127.0.0.1:1'";
    /// let config = Config::parse_with(text, &["upstreams"])?;
    /// let found = Upstreams::examine(&config).await?;
    /// assert_eq!(found[0].code, "upstream-unreachable");
    /// # Ok::<(), palisade::config::ConfigFileError>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The section has a mistake. The error names line, key and remedy.
    pub async fn examine(config: &Config) -> Result<Vec<Warning>, ConfigFileError> {
        let sections: Vec<Section> = config.section("upstreams")?;
        let place = Place::in_file_of(config);
        let mut found = Vec::new();
        for section in sections {
            let files = examine_files(&section, place);
            let is_readable = files.iter().all(|file| file.code != "file-unreadable");
            found.extend(files);
            if is_readable {
                found.extend(examine_upstream(section, place).await?);
            }
        }
        Ok(found)
    }
}

/// Makes a finding at a value. `None` if there is no such code.
fn finding_at<T>(
    place: Place<'_>,
    at: &Spanned<T>,
    code: &str,
    problem: &str,
    remedy: &str,
) -> Option<Warning> {
    let entry = diagnostics::find(code)?;
    Some(Warning::new(
        entry,
        place.invalid_value(at, problem, remedy).to_string(),
    ))
}

/// The files that a section names.
fn examine_files(section: &Section, place: Place<'_>) -> Vec<Warning> {
    let secret = |section: &Option<Spanned<super::secret::SecretSection>>| {
        section.as_ref().and_then(|it| it.get_ref().file.clone())
    };
    let tls = section.tls.as_ref().map(Spanned::get_ref);
    let named = [
        (secret(&section.credential), FileContent::Private),
        (secret(&section.identity), FileContent::Secret),
        (tls.and_then(|tls| tls.ca.clone()), FileContent::Public),
        (
            tls.and_then(|tls| tls.certificate.clone()),
            FileContent::Public,
        ),
        (tls.and_then(|tls| tls.key.clone()), FileContent::Private),
    ];
    let problems = named.into_iter().filter_map(|(written, content)| {
        let written = written?;
        let path = place.config().path(written.get_ref());
        let problem = content.problem(&path)?;
        let kind = problem.kind.name;
        finding_at(place, &written, kind, &problem.text, problem.remedy)
    });
    problems.collect()
}

/// Examines the servers of one upstream, one after the other.
///
/// # Errors
///
/// The section has a mistake.
async fn examine_upstream(
    section: Section,
    place: Place<'_>,
) -> Result<Vec<Warning>, ConfigFileError> {
    let clock = SystemClock::shared();
    let upstream = Upstream::from_section(section.clone(), clock.clone(), place)?;
    let urls = values::read_servers(&section, place)?;
    let other = other_version(&section, urls.first().map(|(url, _)| *url));
    let other = Upstream::from_section(other, clock, place).ok();
    let mut found = timeout_contradictions(&upstream, &urls, place);
    for (index, (server, (url, _))) in upstream.servers().iter().zip(&urls).enumerate() {
        let other = other.as_ref();
        let other = other.and_then(|other| Some((other, other.servers().get(index)?)));
        let examined = Examined {
            upstream: &upstream,
            server,
            url,
            place,
        };
        found.extend(
            examined
                .findings(other.map(|(other, server)| (other, &**server)))
                .await,
        );
    }
    Ok(found)
}

/// The section with the other version of HTTP. What only one version has is left out.
fn other_version(section: &Section, url: Option<&Spanned<String>>) -> Section {
    let is_http2 = section.http.as_ref().is_some_and(|it| it.get_ref() == "2");
    let version = if is_http2 { "1" } else { "2" };
    let span = url.map(Spanned::span).unwrap_or_default();
    Section {
        http: Some(Spanned::new(span, version.to_owned())),
        host: None,
        upgrade: Vec::new(),
        websocket: None,
        ..section.clone()
    }
}

/// Timeouts that contradict each other, whatever the servers do.
fn timeout_contradictions(
    upstream: &Upstream,
    urls: &[(&Spanned<String>, u32)],
    place: Place<'_>,
) -> Vec<Warning> {
    let Some((url, _)) = urls.first() else {
        return Vec::new();
    };
    let times = &upstream.timeouts;
    let is_short = |time: Duration, than: Duration| time < than;
    let total = times.total.filter(|total| is_short(*total, times.response));
    let total = total.map(|_| {
        (
            "`total_timeout_seconds` is shorter than `response_timeout_seconds`, which has no effect then",
            "make it longer, or set a shorter `response_timeout_seconds`",
        )
    });
    let idle = upstream
        .websocket
        .filter(|_| is_short(times.idle, SHORTEST_IDLE));
    let idle = idle.map(|_| {
        (
            "`idle_timeout_seconds` is shorter than the time between two pings of usual WebSockets",
            "make it 30 or more",
        )
    });
    let all = [total, idle].into_iter().flatten();
    let all = all.filter_map(|(problem, remedy)| {
        finding_at(place, url, "upstream-timeout", problem, remedy)
    });
    all.collect()
}

/// One server that is examined.
/// Findings are errors at its `url`, so that the line in the file is shown.
struct Examined<'a> {
    /// The section, checked.
    upstream: &'a Upstream,
    /// One of its servers.
    server: &'a Server,
    /// The address as written, for the line number.
    url: &'a Spanned<String>,
    /// The file.
    place: Place<'a>,
}

impl Examined<'_> {
    /// Makes a finding at the address of the server.
    fn finding_at_url(&self, code: &str, problem: &str, remedy: &str) -> Option<Warning> {
        finding_at(self.place, self.url, code, problem, remedy)
    }

    /// Asks once, and says what does not fit.
    async fn findings(&self, other: Option<(&Upstream, &Server)>) -> Vec<Warning> {
        let sent = self.client_host();
        let found = match send_request(self.upstream, self.server, sent.as_ref()).await {
            Err(why) => vec![self.no_response(why, other).await],
            Ok(seen) => {
                let host = self.refused_host(&seen).await;
                let health = match host {
                    Some(_) => None, // The refusal of the host is why it fails.
                    None => self.failed_health(&seen),
                };
                vec![host, health, self.short_timeout(&seen)]
            }
        };
        found.into_iter().flatten().collect()
    }

    /// The host that a client sends: the first one that the gateway serves.
    fn client_host(&self) -> Option<Authority> {
        let first = self.place.config().hosts().next()?;
        first.trim_end_matches(":*").parse().ok()
    }

    /// Says why there was no response: another version of HTTP, TLS, or no connection.
    async fn no_response(
        &self,
        why: NoResponse,
        other: Option<(&Upstream, &Server)>,
    ) -> Option<Warning> {
        if !matches!(why, NoResponse::Connect(_))
            && let Some((upstream, server)) = other
            && send_request(upstream, server, None).await.is_ok()
        {
            let speaks = if upstream.is_http2 { "2" } else { "1" };
            let problem = format!("the server speaks HTTP/{speaks} here, and no other version");
            let remedy = format!("write http = \"{speaks}\"");
            return self.finding_at_url("upstream-version", &problem, &remedy);
        }
        match why {
            NoResponse::Tls(problem) => self.finding_at_url(
                "upstream-tls",
                &problem,
                "name its authority as `ca` and its name as `server_name` of [upstreams.tls], or write \"http://\"",
            ),
            NoResponse::Connect(problem) => self.finding_at_url(
                "upstream-unreachable",
                &problem,
                "start the service, or correct the address",
            ),
            NoResponse::Late => self.finding_at_url(
                "upstream-unreachable",
                &format!("no response within {} s", PATIENCE.as_secs()),
                "look at the log of the service; a path of [upstreams.health] that needs no model may respond sooner",
            ),
            NoResponse::Other(problem) => self.finding_at_url(
                "upstream-unreachable",
                &problem,
                "look at the log of the service, and whether it speaks HTTP at this port",
            ),
        }
    }

    /// Asks with other hosts if the server refuses the one that it gets.
    async fn refused_host(&self, seen: &Seen) -> Option<Warning> {
        let refuses = |status: StatusCode| matches!(status.as_u16(), 400 | 403 | 421);
        if !refuses(seen.status) {
            return None;
        }
        let sent = self.client_host();
        let own = self.server.authority();
        let used = self.upstream.host.value_for(sent.as_ref(), own);
        for (named, remedy) in [
            (Some(own.clone()), "write host = \"upstream\""),
            (sent.clone(), "write host = \"as-sent\""),
        ] {
            let Some(named) = named.filter(|named| named != used) else {
                continue;
            };
            let asked = ask_as(self.upstream, self.server, &named).await;
            if asked.is_ok_and(|seen| !refuses(seen.status)) {
                let problem = format!(
                    "status {} for the host `{used}`, and another one for `{named}`",
                    seen.status.as_u16()
                );
                return self.finding_at_url("upstream-host", &problem, remedy);
            }
        }
        None
    }

    /// Returns a finding if the path of the health checks has status 400 or above. `None` without health checks.
    fn failed_health(&self, seen: &Seen) -> Option<Warning> {
        let settings = self.upstream.health.as_ref()?;
        if seen.status.as_u16() < 400 {
            return None;
        }
        let problem = format!(
            "the health check `{}` has status {}",
            settings.path,
            seen.status.as_u16()
        );
        let remedy = "name a path that needs no credential and has a status below 400";
        self.finding_at_url("upstream-health", &problem, remedy)
    }

    /// Returns a finding if a timeout is shorter than twice the time of this one response: the next one may be slower.
    fn short_timeout(&self, seen: &Seen) -> Option<Warning> {
        let twice = seen.took * 2;
        let millis = seen.took.as_millis();
        let health = self.upstream.health.as_ref();
        if health.is_some_and(|health| health.timeout < twice) {
            let problem =
                format!("the health check took {millis} ms, more than half of its timeout");
            return self.finding_at_url(
                "upstream-timeout",
                &problem,
                "raise `timeout_seconds` of [upstreams.health], or name a path that responds sooner",
            );
        }
        if self.upstream.timeouts.response < twice {
            let problem = format!("a response took {millis} ms, more than half of its timeout");
            return self.finding_at_url(
                "upstream-timeout",
                &problem,
                "raise `response_timeout_seconds`",
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finding about a server that took this long, with these keys in `[[upstreams]]`.
    fn finding(keys: &str, took: Duration) -> Option<Warning> {
        let url = "http://127.0.0.1:1";
        let text = format!("server.hosts = ['a.example']\n[[upstreams]]\nurl = '{url}'\n{keys}\n");
        let config = Config::parse_with(&text, &["upstreams"]).unwrap();
        let place = Place::in_file_of(&config);
        let sections: Vec<Section> = config.section("upstreams").unwrap();
        let section = sections.into_iter().next().unwrap();
        let clock = SystemClock::shared();
        let upstream = Upstream::from_section(section, clock, place).unwrap();
        let examined = Examined {
            upstream: &upstream,
            server: &upstream.servers()[0],
            url: &Spanned::new(0..0, url.to_owned()),
            place,
        };
        let status = StatusCode::OK;
        examined.short_timeout(&Seen { status, took })
    }

    #[test]
    fn a_response_that_took_more_than_half_of_its_timeout_is_found() {
        let millis = Duration::from_millis;
        let second = "response_timeout_seconds = 1";
        assert!(finding(second, millis(500)).is_none());
        let found = finding(second, millis(501)).unwrap();
        assert_eq!(found.code, "upstream-timeout");
        assert!(found.text.contains("took 501 ms, more than half"));
        let health = "[upstreams.health]\npath = '/'\ntimeout_seconds = 1";
        assert!(finding(health, millis(500)).is_none());
        let found = finding(health, millis(501)).unwrap();
        assert!(found.text.contains("the health check took 501 ms"));
    }
}
