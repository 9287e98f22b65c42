//! Compares hosts, ports, proxies and certificate with each other.
//!
//! Each part is valid alone. A combination that cannot work, or not for every client, is reported
//! at start as a [`Warning`]. Each private function here finds one of them, or returns `None`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use palisade_core::Scheme;
use palisade_transport::{AllowedHosts, TrustedProxies, server::Certificates};

use crate::config::{Config, ConfigFileError, ListenOn, ServerSettings};
use crate::{
    diagnostics::{self, Diagnostic},
    shield::Warning,
};

impl Config {
    /// Finds settings that are valid alone and do not work together, or not for every client.
    ///
    /// `settings` is the result of [`server`](Self::server). `https` are the addresses of the TLS
    /// listeners, with the ports that the system chose; Unix sockets have none. `certificates` are
    /// those of these listeners, or `None` if nothing listens with TLS.
    /// The warnings are returned and not logged: call [`Warning::log`] on each.
    /// Each warning has a stable code, and names file, line, key and remedy:
    ///
    /// | code | what it means |
    /// |---|---|
    /// | `certificate-hosts` | the certificate does not name a host that is served |
    /// | `client-certificate-never-asked` | a route demands a certificate of the client, and clients are not asked for one |
    /// | `host-port` | no host is served under the port of the TLS listener; without one, of the listener |
    /// | `plain-http` | requests without TLS are served, and not to this machine alone |
    /// | `proxy-unreachable` | the server listens on this machine alone, and no proxy is there |
    /// | `redirect-host` | redirects lead to a host that is not served |
    /// | `several-client-authorities` | a principal is found by a name that each of several authorities can issue |
    /// | `webroot-without-http` | ACME challenges come without TLS, and there is no such listener |
    ///
    /// # Errors
    ///
    /// A host or a network of the file cannot be parsed, or certificates of clients are required and
    /// requests without TLS are served.
    pub fn check_server(
        &self,
        settings: &ServerSettings,
        https: &[SocketAddr],
        certificates: Option<&Certificates>,
    ) -> Result<Vec<Warning>, ConfigFileError> {
        self.refuse_plain_http_beside_required_certificates()?;
        let hosts = self.allowed_hosts()?;
        let proxies = self.proxies()?;
        let found = [
            certificates.and_then(|certificates| self.hosts_without_certificate(certificates)),
            self.hosts_on_another_port(&hosts, &proxies, &Ports::of(settings, https)),
            self.proxies_out_of_reach(&proxies, https, settings),
            self.redirect_to_an_unserved_host(&hosts),
            self.challenges_without_listener(&settings.http),
            self.plain_http_for_the_network(&settings.http),
            self.certificates_that_no_client_is_asked_for(),
            self.names_that_several_authorities_can_issue(),
        ];
        let warning = |(kind, error): Contradiction| Warning::new(kind, error.to_string());
        Ok(found.into_iter().flatten().map(warning).collect())
    }

    /// `certificate-hosts`: finds the first host that the certificate does not name.
    fn hosts_without_certificate(&self, certificates: &Certificates) -> Option<Contradiction> {
        let mut names = self.hosts().map(name_of);
        let uncovered = names.find(|host| !certificates.covers(host))?;
        let problem = format!(
            "the certificate does not name `{uncovered}`, so clients refuse the connection"
        );
        let remedy = "get a certificate for every host, or remove the host";
        let error = self.source.key_error("server", "hosts", &problem, remedy);
        Some((&diagnostics::CERTIFICATE_HOSTS, error))
    }

    /// `client-certificate-never-asked`: the route refuses every request.
    fn certificates_that_no_client_is_asked_for(&self) -> Option<Contradiction> {
        if self.document.server.client_auth.is_some() {
            return None;
        }
        let mut routes = self.document.routes.iter();
        let route = routes.find(|route| route.client_certificate)?;
        let problem =
            "the route demands a certificate of the client, and no client is asked for one";
        let remedy = "add [server.client_auth] with authorities = [\"clients.pem\"]";
        let error = self.source.at(&route.path, problem, remedy);
        Some((&diagnostics::CLIENT_CERTIFICATE_NEVER_ASKED, error))
    }

    /// `several-client-authorities`: one of them could issue a certificate with the name of a client of
    /// another one. A digest is of one certificate.
    fn names_that_several_authorities_can_issue(&self) -> Option<Contradiction> {
        let mut entries = self.document.client_certificates.iter();
        let entry = entries.find(|entry| entry.sha256.is_none())?;
        let count = self.count_client_authorities();
        if count < 2 {
            return None;
        }
        let problem = format!(
            "{count} authorities are accepted, and each can issue a certificate with this name"
        );
        let remedy =
            "keep one authority, or write sha256, unless all of them may certify every name";
        let error = self.source.at(&entry.id, problem, remedy);
        Some((&diagnostics::SEVERAL_CLIENT_AUTHORITIES, error))
    }

    /// `host-port`: no host is served under the port of a listener for clients. Behind a proxy the
    /// port differs, so nothing is reported.
    fn hosts_on_another_port(
        &self,
        hosts: &AllowedHosts,
        proxies: &TrustedProxies,
        ports: &Ports,
    ) -> Option<Contradiction> {
        let port = ports.numbers.first()?;
        let served = |host: &str| {
            let name = name_of(host).replacen('*', "any", 1);
            let mut numbers = ports.numbers.iter();
            numbers.any(|port| hosts.allow(&format!("{name}:{port}"), ports.scheme))
        };
        if !proxies.is_empty() || self.hosts().any(served) {
            return None;
        }
        let first = self.hosts().next().map(name_of)?;
        let (listener, default) = ports.words();
        let problem = format!(
            "the {listener} has port {port}, and a host without a port is served on port {default} only"
        );
        let remedy = format!(
            "write \"{first}:{port}\" or \"{first}:*\"; leave it if port {default} is forwarded to this one"
        );
        let error = self.source.key_error("server", "hosts", &problem, &remedy);
        Some((&diagnostics::HOST_PORT, error))
    }

    /// `proxy-unreachable`: the server listens on loopback alone, and no proxy is on this machine.
    fn proxies_out_of_reach(
        &self,
        proxies: &TrustedProxies,
        https: &[SocketAddr],
        settings: &ServerSettings,
    ) -> Option<Contradiction> {
        let here = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        let is_here = here.into_iter().any(|address| proxies.contains(address));
        let reachable = https.iter().any(|address| !address.ip().is_loopback())
            || settings.http.iter().any(ListenOn::is_for_the_network);
        let inherits = |on: &ListenOn| matches!(on, ListenOn::Inherited(_));
        // Where a service manager listens for http is not known here.
        let reachable = reachable || settings.http.iter().any(inherits);
        if proxies.is_empty() || is_here || reachable {
            return None;
        }
        let problem =
            "the server listens on loopback only, and none of these proxies is on this machine";
        let remedy = "add \"127.0.0.1\", or listen on an address that the proxies reach";
        let error = self.source.key_error("client", "proxies", problem, remedy);
        Some((&diagnostics::PROXY_UNREACHABLE, error))
    }

    /// `redirect-host`: the target of redirects is not an allowed host.
    fn redirect_to_an_unserved_host(&self, hosts: &AllowedHosts) -> Option<Contradiction> {
        let target = self.document.server.redirect_to.as_ref()?;
        if hosts.allow(target.get_ref(), Scheme::Https) {
            return None;
        }
        let problem = "redirects lead to a host that is not served";
        let remedy = "add it to `hosts`, with the same port";
        Some((
            &diagnostics::REDIRECT_HOST,
            self.source.at(target, problem, remedy),
        ))
    }

    /// `webroot-without-http`: there is a folder of ACME challenges and no listener without TLS.
    fn challenges_without_listener(&self, http: &[ListenOn]) -> Option<Contradiction> {
        let folder = self.document.server.acme_webroot.as_ref()?;
        if !http.is_empty() {
            return None;
        }
        let problem =
            "http-01 challenges arrive without TLS on port 80, and no listener is configured";
        let error = self.source.at(folder, problem, "add http = \"0.0.0.0:80\"");
        Some((&diagnostics::WEBROOT_WITHOUT_HTTP, error))
    }

    /// `plain-http`: requests without TLS are served on an address that other machines reach.
    fn plain_http_for_the_network(&self, http: &[ListenOn]) -> Option<Contradiction> {
        let accepts = self.document.server.dangerously_accept_plain_http;
        if !accepts || !http.iter().any(ListenOn::is_for_the_network) {
            return None;
        }
        let problem =
            "keys and texts are sent without TLS, and other machines can reach the listener";
        let remedy = "listen for http on a loopback address, or remove this key";
        let key = "dangerously_accept_plain_http";
        let error = self.source.key_error("server", key, problem, remedy);
        Some((&diagnostics::PLAIN_HTTP, error))
    }
}

/// The ports at which clients reach the server.
struct Ports {
    scheme: Scheme,
    numbers: Vec<u16>,
}

impl Ports {
    /// Returns the ports with TLS, or those without if nothing listens with TLS. A port that the
    /// system chooses is left out.
    fn of(settings: &ServerSettings, https: &[SocketAddr]) -> Self {
        if !settings.https.is_empty() || settings.http.is_empty() {
            return Self {
                scheme: Scheme::Https,
                numbers: https.iter().map(SocketAddr::port).collect(),
            };
        }
        let addresses = settings.http.iter().filter_map(ListenOn::as_address);
        let ports = addresses.map(|address| address.port());
        Self {
            scheme: Scheme::Http,
            numbers: ports.filter(|port| *port != 0).collect(),
        }
    }

    /// Returns what the listener is called, and the default port of its scheme.
    const fn words(&self) -> (&'static str, u16) {
        match self.scheme {
            Scheme::Https => ("TLS listener", 443),
            Scheme::Http => ("listener", 80),
        }
    }
}

/// The kind of a warning, and its text as an error with line and remedy.
type Contradiction = (&'static Diagnostic, ConfigFileError);

/// Returns a host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port == "*" || port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
