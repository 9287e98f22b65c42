//! `[client]`, `[headers]`, and the keys of `[server]` that the shield uses.
//!
//! Settings that contradict each other are errors here: proxies without a header, pages to redirect
//! without a target.

mod routes;
mod text;
mod inspect;
mod trace;

use std::time::Duration;

use http::HeaderName;
use palisade_core::RequestIdLayer;
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, ContentSecurityPolicy, ForwardedHeader, HeadersLayer, HostLayer,
    Hsts, HttpsLayer, HttpsLayerBuilder, TrustedProxies,
};

use crate::config::{
    Config, ConfigFileError,
    document::{Preset, RequestId},
};
use crate::shield::ShieldBuilder;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

impl Config {
    /// Sets request identifier, hosts, HTTPS, client address and headers.
    pub(in crate::config) fn server_keys(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        Ok(self
            .request_id(shield)?
            .host_layer(self.host_layer()?)
            .https(self.https()?)
            .client(self.client()?)
            .headers(self.headers()?))
    }

    /// Makes the guard of the hosts, which in shadow mode only records.
    fn host_layer(&self) -> Result<HostLayer, ConfigFileError> {
        let layer = HostLayer::builder(self.allowed_hosts()?);
        let layer = match self.only_shadow {
            true => layer.dangerously_only_shadow(),
            false => layer,
        };
        layer
            .build()
            .map_err(|problem| self.source.whole(problem, "correct `hosts` of [server]"))
    }

    /// Parses the hosts that are served. An empty list is an error; one bad host is named with its
    /// line.
    pub(in crate::config) fn allowed_hosts(&self) -> Result<AllowedHosts, ConfigFileError> {
        let hosts = &self.document.server.hosts;
        if hosts.is_empty() {
            let remedy = "write for example hosts = [\"api.example.com\"]";
            return Err(self
                .source
                .key_error("server", "hosts", "no host is allowed", remedy));
        }
        let names = hosts.iter().map(toml::Spanned::get_ref);
        AllowedHosts::parse(names).map_err(|problem| {
            let bad = hosts
                .iter()
                .find(|host| AllowedHosts::parse([host.get_ref()]).is_err());
            let remedy =
                "write for example \"api.example.com\", \"*.example.com\" or \"localhost:8443\"";
            match bad {
                Some(host) => self.source.at(host, problem, remedy),
                None => self
                    .source
                    .key_error("server", "hosts", &problem.to_string(), remedy),
            }
        })
    }

    /// Reads what happens to requests without TLS. Default: they are refused.
    fn https(&self) -> Result<HttpsLayer, ConfigFileError> {
        let server = &self.document.server;
        let mut https = HttpsLayer::builder();
        if let Some(host) = &server.redirect_to {
            https = https.redirect_to(host.get_ref().as_str());
            let remedy = "write for example \"www.example.com\"";
            self.check_https(&https, host, remedy)?;
        }
        if let (None, Some(page)) = (&server.redirect_to, server.redirect.first()) {
            let remedy = "add redirect_to = \"www.example.com\"";
            let problem = "pages are redirected, but no target is set";
            return Err(self.source.at(page, problem, remedy));
        }
        for page in &server.redirect {
            https = https.page(page.get_ref().as_str());
            self.check_https(&https, page, "write a path, such as \"/\" or \"/help\"")?;
        }
        if server.dangerously_accept_plain_http {
            https = https.dangerously_accept_plain_http();
        }
        https.build().map_err(|problem| {
            let remedy = "correct redirect_to and redirect";
            self.source
                .key_error("server", "redirect", &problem.to_string(), remedy)
        })
    }

    /// Builds the layer with what was read so far: an error belongs to the last value.
    fn check_https(
        &self,
        so_far: &HttpsLayerBuilder,
        last: &toml::Spanned<String>,
        remedy: &str,
    ) -> Result<(), ConfigFileError> {
        let built = so_far.clone().build();
        built
            .map(drop)
            .map_err(|problem| self.source.at(last, problem, remedy))
    }

    /// Reads how the client address is decided. `proxies` and `header` need each other.
    fn client(&self) -> Result<ClientInfoLayer, ConfigFileError> {
        let client = &self.document.client;
        let proxies = self.proxies()?;
        let layer = match (&client.header, proxies.is_empty()) {
            (None, true) => ClientInfoLayer::builder(),
            (None, false) => {
                let remedy = "name the one header that the proxy writes, for example header = \"x-forwarded-for\"";
                return Err(self.source.key_error(
                    "client",
                    "header",
                    "proxies are trusted, but no header is read",
                    remedy,
                ));
            }
            (Some(header), true) => {
                let remedy =
                    "name the networks of the proxies, for example proxies = [\"10.0.0.0/8\"]";
                return Err(self.source.at(
                    header,
                    "a header is read, but no proxy is trusted",
                    remedy,
                ));
            }
            (Some(header), false) => {
                let named = ForwardedHeader::named(header.get_ref()).map_err(|problem| {
                    self.source
                        .at(header, problem, "write for example \"x-forwarded-for\"")
                })?;
                ClientInfoLayer::builder().behind(proxies, named)
            }
        };
        let layer = match client.accept_forwarded_host {
            true => layer.accept_forwarded_host(),
            false => layer,
        };
        Ok(layer.build())
    }

    /// Parses the networks of the trusted proxies.
    pub(in crate::config) fn proxies(&self) -> Result<TrustedProxies, ConfigFileError> {
        self.networks(&self.document.client.proxies)
    }

    /// Parses a list of networks. One that cannot be parsed is named with its line.
    pub(in crate::config) fn networks(
        &self,
        written: &[toml::Spanned<String>],
    ) -> Result<TrustedProxies, ConfigFileError> {
        let mut networks = TrustedProxies::none();
        for one in written {
            let more = TrustedProxies::parse(one.get_ref()).map_err(|problem| {
                self.source
                    .at(one, problem, "write a network, such as \"10.0.0.0/8\"")
            })?;
            networks = networks.and(&more);
        }
        Ok(networks)
    }

    /// Reads the header of the request identifier. `accept_request_id` needs a header.
    fn request_id(&self, shield: ShieldBuilder) -> Result<ShieldBuilder, ConfigFileError> {
        let accepts = self.document.client.accept_request_id;
        let written = self.document.server.request_id.as_ref();
        let mut layer = RequestIdLayer::builder();
        match written.map(|written| (written, written.get_ref())) {
            None | Some((_, RequestId::Sent(true))) => {}
            Some((_, RequestId::Sent(false))) if !accepts => {
                return Ok(shield.without_request_id());
            }
            Some((written, RequestId::Sent(false))) => {
                let remedy = "remove it, or accept_request_id of `client`";
                let problem = "no request identifier is sent, but one is accepted from proxies";
                return Err(self.source.at(written, problem, remedy));
            }
            Some((written, RequestId::Header(name))) => {
                let name = name.parse::<HeaderName>().map_err(|problem| {
                    let remedy = "write the name of a header, such as \"X-Request-Id\", or false";
                    self.source.at(written, problem, remedy)
                })?;
                layer = layer.header(name);
            }
        }
        let layer = match accepts {
            true => layer.accept_from_proxies(),
            false => layer,
        };
        Ok(shield.request_id(layer.build()))
    }

    /// Reads preset, HSTS and indexing. The browser preset forbids indexing unless `index` is
    /// `true`.
    pub(in crate::config) fn headers(&self) -> Result<HeadersLayer, ConfigFileError> {
        let headers = &self.document.headers;
        let mut layer = HeadersLayer::builder().no_index();
        if let Preset::Browser = headers.preset {
            layer = layer.browser(&ContentSecurityPolicy::same_origin());
        }
        if let Some(days) = &headers.hsts_days {
            let age = Duration::from_secs(days.get_ref().saturating_mul(DAY));
            let hsts = Hsts::max_age(age).map_err(|problem| {
                self.source
                    .at(days, problem, "write 365 or more, or leave it out")
            })?;
            layer = layer.hsts(hsts);
        }
        if headers.index {
            layer = layer.index();
        }
        Ok(layer.build())
    }
}
