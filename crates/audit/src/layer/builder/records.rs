//! The settings of what is written in the record of a request.

use http::HeaderName;

use super::AuditLayerBuilder;
use crate::{
    key::AuditKey,
    record::redaction::{Field, FieldForm, FieldSource},
};

impl AuditLayerBuilder {
    /// Records the network of a client in place of its address: `/24` of IPv4, `/48` of IPv6.
    ///
    /// Default: the whole address. Addresses can be personal data; records of one network can still
    /// be correlated.
    pub fn mask_client_address(mut self) -> Self {
        self.redaction.mask_client = true;
        self
    }

    /// Records the address of a client as a pseudonym: an address in `fd00::/8`, from a code under the correlation key.
    ///
    /// Default: the address itself. Requests of one address can still be found together, and with the key the pseudonym of
    /// a known address can be computed ([`CorrelatedField`](crate::CorrelatedField), `palisade audit hash`). An address of
    /// IPv6 stands for its network of 64 bits. With [`mask_client_address`](Self::mask_client_address) the pseudonym is
    /// that of the masked address.
    pub fn pseudonymize_client_address(mut self) -> Self {
        self.redaction.client_pseudonyms = true;
        self
    }

    /// Records identifier, credential and owner of a principal as codes under the correlation key.
    ///
    /// Default: in clear. Private reasons of refusals and hosts, which may name a person, are then not recorded. Notes and
    /// identifiers of exposed credentials are codes, but for notes of Palisade whose values are numbers or fixed texts. Of
    /// events, texts are recorded as they are: see [`AuditEvent::principal`](crate::AuditEvent::principal). When the key is destroyed, no one can find out who
    /// a record is about.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditKey, AuditLayer, CorrelatedField, MemorySink};
    ///
    /// let key = AuditKey::generate()?;
    /// let layer = AuditLayer::builder()
    ///     .sink(MemorySink::new())
    ///     .correlation_key(key.clone())
    ///     .pseudonymize_principals()
    ///     .pseudonymize_client_address()
    ///     .build()?;
    ///
    /// // What to search the trail for:
    /// let anna = "principal".parse::<CorrelatedField>()?.code(&key, "anna")?;
    /// assert!(anna.starts_with("hmac:"));
    /// # let _ = layer; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pseudonymize_principals(mut self) -> Self {
        self.redaction.principal_pseudonyms = true;
        self
    }

    /// Sets the key for [`correlate_header`](Self::correlate_header), [`correlate_query`](Self::correlate_query),
    /// [`pseudonymize_client_address`](Self::pseudonymize_client_address) and
    /// [`pseudonymize_principals`](Self::pseudonymize_principals).
    ///
    /// Each record has its public identifier, and an event says at the start which one is used. To replace it while the
    /// service runs, see [`AuditHandle::rotate_correlation_key`](crate::AuditHandle::rotate_correlation_key).
    ///
    /// It also makes codes of unknown paths comparable over restarts. Use another key than that of
    /// the trail: the two have different readers.
    pub fn correlation_key(mut self, key: AuditKey) -> Self {
        self.redaction.key = Some(key);
        self
    }

    /// Records an HMAC-SHA-256 code of this header's value, under the correlation key.
    ///
    /// Equal values of one header have equal codes. Without the key a code says nothing about its
    /// value. If the header occurs several times, the first value counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use palisade_audit::{AuditKey, AuditLayer, MemorySink};
    ///
    /// let layer = AuditLayer::builder()
    ///     .sink(MemorySink::new())
    ///     .correlation_key(AuditKey::generate()?)
    ///     .correlate_header(HeaderName::from_static("x-device-id"))
    ///     .build()?;
    /// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn correlate_header(self, name: HeaderName) -> Self {
        self.field(FieldSource::Header(name), FieldForm::Correlated)
    }

    /// Records an HMAC-SHA-256 code of this query parameter's value, under the correlation key.
    ///
    /// The name is compared after form decoding (`application/x-www-form-urlencoded`). The first
    /// parameter of the name counts, of the first 64 parameters.
    pub fn correlate_query(self, name: impl Into<Box<str>>) -> Self {
        self.field(FieldSource::Query(name.into()), FieldForm::Correlated)
    }

    /// Records this header's value in clear, at most its first 256 bytes.
    ///
    /// For values without personal data and without secrets, such as the version of a client.
    /// `build` refuses names of credentials and cookies.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::header::{AUTHORIZATION, USER_AGENT};
    /// use palisade_audit::{AuditBuildError, AuditLayer, MemorySink};
    ///
    /// let layer = AuditLayer::builder().sink(MemorySink::new());
    /// let layer = layer.dangerously_record_header(USER_AGENT);
    /// let refused = layer.dangerously_record_header(AUTHORIZATION).build().unwrap_err();
    /// assert!(matches!(refused, AuditBuildError::SecretInClear { .. }));
    /// ```
    pub fn dangerously_record_header(self, name: HeaderName) -> Self {
        self.field(FieldSource::Header(name), FieldForm::Clear)
    }

    /// Records this query parameter's value in clear, at most its first 256 bytes.
    ///
    /// For values without personal data and without secrets, such as a format or a page number.
    /// `build` refuses names of credentials.
    pub fn dangerously_record_query(self, name: impl Into<Box<str>>) -> Self {
        self.field(FieldSource::Query(name.into()), FieldForm::Clear)
    }

    /// Records the path of a request without a known route, shortened.
    ///
    /// At most eight segments are recorded; a segment of more than 24 characters keeps its first
    /// eight. Default: the length of the path and a code under the correlation key, or under a
    /// random key of the process. One-time codes, telephone numbers and names are then not in the
    /// trail. For services that send no links with secrets to their users.
    pub fn dangerously_record_unknown_paths(mut self) -> Self {
        self.redaction.unknown_paths = true;
        self
    }

    /// Records paths as they were sent, up to 512 characters, also where a route's template is
    /// known.
    ///
    /// For services whose paths hold neither names nor tokens.
    pub fn dangerously_record_raw_paths(mut self) -> Self {
        self.redaction.raw_paths = true;
        self
    }

    /// Adds a header or query parameter that is recorded.
    fn field(mut self, source: FieldSource, form: FieldForm) -> Self {
        self.redaction.fields.push(Field { source, form });
        self
    }
}
