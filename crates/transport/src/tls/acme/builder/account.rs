//! The account with the authority: its terms, contacts, and an existing account that it belongs to.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::AcmeBuilder;

impl AcmeBuilder {
    /// Accepts the terms of service of the authority, for the operator. Required: read them first,
    /// at the address that the directory names.
    pub fn accept_terms(mut self) -> Self {
        self.terms_accepted = true;
        self
    }

    /// Adds an e-mail address for warnings of the authority, with or without `mailto:`.
    ///
    /// Used when the account is created.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use palisade_transport::server::Acme;
    ///
    /// let builder = Acme::builder(["tts.example.com"], "/var/lib/tts/acme")
    ///     .contact("ops@example.com")
    ///     .contact("on-call@example.com");
    /// # let _ = builder;
    /// ```
    pub fn contact(mut self, address: &str) -> Self {
        let address = address.strip_prefix("mailto:").unwrap_or(address);
        self.contacts.push(format!("mailto:{address}"));
        self
    }

    /// Binds the account to an existing one with the operator of the authority (RFC 8555, section
    /// 7.3.4). The key is in base64url, as the operator shows it.
    ///
    /// Used when the account is created.
    pub fn external_account(
        mut self,
        key_id: impl Into<String>,
        hmac_key: impl Into<String>,
    ) -> Self {
        self.external = Some((key_id.into(), Zeroizing::new(hmac_key.into())));
        self
    }

    /// Does the same with a key that [`build`](Self::build) reads from a file.
    pub fn external_account_file(
        mut self,
        key_id: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> Self {
        self.external_file = Some((key_id.into(), path.into()));
        self
    }
}
