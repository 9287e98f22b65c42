//! `[server.client_auth]`: which certificates of clients are accepted (mutual TLS).

use std::path::PathBuf;

use palisade_core::SharedClock;
use palisade_transport::server::{CertificateError, ClientAuth};
use toml::Spanned;

use crate::config::{Config, ConfigFileError};

/// What helps if a file cannot be used.
const REMEDY: &str = "name a file that this user can read";

impl Config {
    /// Opens the authorities and revocation lists of `[server.client_auth]`. `None` without the
    /// section: clients are not asked for a certificate.
    ///
    /// Give the result to `client_auth` of the server with TLS.
    ///
    /// # Errors
    ///
    /// No authority is named, a file cannot be read or is not what it should be, or certificates are
    /// required and requests without TLS are served. The error names the line of the file.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{config::Config, core::SystemClock};
    ///
    /// let config = Config::parse("server.client_auth.authorities = ['/none.pem']")?;
    /// let error = config.open_client_auth(&SystemClock::shared()).unwrap_err();
    /// assert_eq!(error.key(), Some("server.client_auth.authorities"));
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn open_client_auth(
        &self,
        clock: &SharedClock,
    ) -> Result<Option<ClientAuth>, ConfigFileError> {
        let Some(section) = &self.document.server.client_auth else {
            return Ok(None);
        };
        let Some((first, others)) = section.authorities.get_ref().split_first() else {
            let remedy = "name a PEM file, such as authorities = [\"clients.pem\"]";
            let problem = "no authority is named, so no client could connect";
            return Err(self.source.at(&section.authorities, problem, remedy));
        };
        self.refuse_plain_http_beside_required_certificates()?;
        let builder = ClientAuth::builder(self.path(first.get_ref())).clock(clock.clone());
        let builder = others.iter().fold(builder, |builder, file| {
            builder.authority_file(self.path(file.get_ref()))
        });
        let lists = section.revocation_lists.iter();
        let builder = lists.fold(builder, |builder, file| {
            builder.revocation_list_file(self.path(file.get_ref()))
        });
        let builder = match section.required {
            true => builder,
            false => builder.optional(),
        };
        let opened = builder.open();
        opened
            .map(Some)
            .map_err(|error| self.client_auth_error(&error))
    }

    /// Refuses to serve on a listener without TLS, where no client has a certificate, no matter who reaches
    /// it. A listener that only redirects is no problem.
    ///
    /// # Errors
    ///
    /// There is such a listener, and `required` is true.
    pub(in crate::config) fn refuse_plain_http_beside_required_certificates(
        &self,
    ) -> Result<(), ConfigFileError> {
        let server = &self.document.server;
        let auth = server.client_auth.as_ref();
        let required = auth.is_some_and(|auth| auth.required);
        if !required || !server.dangerously_accept_plain_http || server.http.is_none() {
            return Ok(());
        }
        let problem = "certificates of clients are required, and http serves requests without one";
        let remedy = "remove this key or `http`, or write required = false in [server.client_auth] and \
                      client_certificate = true for routes";
        let key = "dangerously_accept_plain_http";
        Err(self.source.key_error("server", key, problem, remedy))
    }

    /// Makes the error about the file that is wrong.
    fn client_auth_error(&self, error: &CertificateError) -> ConfigFileError {
        let files = self.client_auth_files();
        let is_it =
            |file: &&Spanned<PathBuf>| error.path() == Some(self.path(file.get_ref()).as_path());
        match files.into_iter().find(is_it) {
            Some(file) => self.source.at(file, error, REMEDY),
            None => self
                .source
                .key_error("server", "client_auth", &error.to_string(), REMEDY),
        }
    }

    /// The number of authorities that the section accepts: the certificates in its files. A file that
    /// cannot be read counts as one; the service does not start with it.
    pub(in crate::config) fn count_client_authorities(&self) -> usize {
        let section = self.document.server.client_auth.as_ref();
        let files = section.map_or(&[][..], |section| section.authorities.get_ref().as_slice());
        let in_file = |file: &Spanned<PathBuf>| {
            let text = std::fs::read(self.path(file.get_ref())).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            text.matches("-----BEGIN CERTIFICATE-----").count().max(1)
        };
        files.iter().map(in_file).sum()
    }

    /// The files of the section, as they are written.
    pub(in crate::config) fn client_auth_files(&self) -> Vec<&Spanned<PathBuf>> {
        let section = self.document.server.client_auth.as_ref();
        section.map_or_else(Vec::new, |section| {
            let authorities = section.authorities.get_ref().iter();
            authorities.chain(&section.revocation_lists).collect()
        })
    }
}
