//! Where a program listens if its file leaves that open.

use std::net::SocketAddr;

use crate::config::{Config, ConfigFileError, ListenOn, ServerSettings};

/// What helps if there is no listener with TLS and none is wanted.
const REMEDY: &str = "add https = \"127.0.0.1:8443\"; or name the proxy that ends TLS in [client] \
                      with `proxies` and `header`; or set dangerously_accept_plain_http = true";

impl Config {
    /// Reads `[server]` as [`server`](Self::server) does, and adds the listeners that a program has
    /// by default.
    ///
    /// | the file names | listeners |
    /// |---|---|
    /// | neither `https` nor `http` | `https` and `http` of the arguments |
    /// | `https`, with or without `http` | those of the file |
    /// | `http` alone | those of the file, so that nothing listens with TLS |
    ///
    /// `http` alone must be able to serve something. Either a proxy ends TLS and sends the scheme of its
    /// client (`proxies` of `[client]`, or `proxy_protocol`), or the file has
    /// `dangerously_accept_plain_http`. With a proxy, requests of others and requests that came to the
    /// proxy without TLS are still refused, so a public address is safe.
    ///
    /// # Errors
    ///
    /// As [`server`](Self::server). `http` alone while every request without TLS is refused, or
    /// beside `certificate`, `[server.acme]`, `[server.client_auth]` or `tls13_only`, which no
    /// listener would use.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let https = "127.0.0.1:8443".parse()?;
    /// let config = Config::parse("server.hosts = ['notes.example']")?;
    /// assert_eq!(config.server_or(https, None)?.https[0].to_string(), "127.0.0.1:8443");
    ///
    /// let behind_a_proxy = Config::parse(r#"
    ///     [server]
    ///     hosts = ["notes.example"]
    ///     http = "127.0.0.1:8080"
    ///     [client]
    ///     proxies = ["127.0.0.1"]
    ///     header = "X-Forwarded-For"
    /// "#)?;
    /// assert!(behind_a_proxy.server_or(https, None)?.https.is_empty());
    ///
    /// let refused = Config::parse("server.http = '127.0.0.1:8080'")?.server_or(https, None);
    /// assert!(refused.unwrap_err().to_string().contains("no listener has TLS"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn server_or(
        &self,
        https: SocketAddr,
        http: Option<SocketAddr>,
    ) -> Result<ServerSettings, ConfigFileError> {
        let mut settings = self.server()?;
        match (settings.https.is_empty(), settings.http.is_empty()) {
            (true, true) => {
                settings.https = vec![ListenOn::Address(https)];
                settings.http = http.map(ListenOn::Address).into_iter().collect();
            }
            (true, false) => self.check_without_tls()?,
            (false, _) => {}
        }
        Ok(settings)
    }

    /// Checks that a file with `http` alone means it.
    ///
    /// # Errors
    ///
    /// Something in the file is about TLS, or no request could be served.
    fn check_without_tls(&self) -> Result<(), ConfigFileError> {
        let server = &self.document.server;
        let about_tls = [
            ("certificate", server.certificate.is_some()),
            ("acme", server.acme.is_some()),
            ("client_auth", server.client_auth.is_some()),
            ("tls13_only", server.tls13_only),
        ];
        if let Some((key, _)) = about_tls.into_iter().find(|(_, is_set)| *is_set) {
            let problem = "no listener has TLS, so this has no effect";
            let remedy = "add https = \"0.0.0.0:443\", or remove it if a proxy ends TLS";
            return Err(self.source.key_error("server", key, problem, remedy));
        }
        if self.has_proxies()? || server.dangerously_accept_plain_http {
            return Ok(());
        }
        let problem = "no listener has TLS, and requests without TLS are refused";
        Err(self.source.key_error("server", "http", problem, REMEDY))
    }

    /// Tells whether the file trusts a proxy, which can say that its client used TLS: by a field of the
    /// request (`[client]`), or by a header of the PROXY protocol, version 2.
    ///
    /// # Errors
    ///
    /// A network of `[client]` cannot be read.
    pub(in crate::config) fn has_proxies(&self) -> Result<bool, ConfigFileError> {
        Ok(!self.document.server.proxy_protocol.is_empty() || !self.proxies()?.is_empty())
    }
}
