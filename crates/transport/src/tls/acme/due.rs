//! Whether a certificate is due, with the window that the authority suggests (RFC 9773).
//!
//! Renewal information moves a renewal earlier, for example before a revocation. It is optional: an
//! authority without it, or one that cannot be reached, changes nothing. So its errors are logged at
//! `debug` and never reported.

use std::time::Duration;

use instant_acme::CertificateIdentifier;
use rustls::pki_types::CertificateDer;

use crate::tls::{
    acme::{
        Acme, AcmeError, account,
        error::shortened,
        renewal::{self, POLL_AFTER_FAILURE, Suggestion},
    },
    certificates::Loaded,
};

impl Acme {
    /// Returns the identifier of the certificate that is replaced, if the authority gave renewal
    /// information for it.
    ///
    /// With it the authority sees that the order is a renewal, and may exempt it from its limits
    /// (RFC 9773, section 5).
    pub(super) fn replaced(&self, current: &Loaded) -> Option<CertificateIdentifier<'static>> {
        let suggestion = *self.inner.lock_suggestion();
        suggestion
            .filter(|suggestion| suggestion.renew_at().is_some())
            .and_then(|_| certificate_identifier(current))
    }

    /// Returns whether there is no certificate, or one that is to be renewed.
    ///
    /// The window is requested only while the certificate is not due by its life. One that is due is
    /// ordered in any case.
    pub(super) async fn is_due(&self, current: Option<&Loaded>) -> bool {
        let Some(current) = current else {
            return true;
        };
        let now = self.inner.clock.unix_time();
        if renewal::renew_at(current, None) > now {
            self.request_suggestion(current, now).await;
        }
        let suggestion = *self.inner.lock_suggestion();
        renewal::renew_at(current, suggestion.as_ref()) <= now
    }

    /// Requests the suggested window of a certificate, if the last one is old.
    ///
    /// After a failure the older time stays, and the next request is six hours later.
    async fn request_suggestion(&self, current: &Loaded, now: Duration) {
        let inner = &*self.inner;
        let older = *inner.lock_suggestion();
        if older.is_some_and(|older| !older.is_old(current.fingerprint, now)) {
            return;
        }
        let fingerprint = current.fingerprint;
        let suggestion = match self.window(current).await {
            Ok(Some((window, poll_after))) => {
                let window = (window.start, window.end);
                Suggestion::within(fingerprint, window, poll_after, now)
            }
            Ok(None) => Suggestion::none(fingerprint, POLL_AFTER_FAILURE, now),
            Err(error) => {
                tracing::debug!(%error, "no renewal information");
                Suggestion::none(fingerprint, POLL_AFTER_FAILURE, now).or_older(older.as_ref())
            }
        };
        *inner.lock_suggestion() = Some(suggestion);
    }

    /// Requests the suggested window (RFC 9773, section 4). `None` without an account, or if the
    /// authority does not support it.
    async fn window(
        &self,
        current: &Loaded,
    ) -> Result<Option<(instant_acme::SuggestedWindow, Duration)>, AcmeError> {
        let inner = &*self.inner;
        let Some(identifier) = certificate_identifier(current) else {
            return Ok(None);
        };
        let Some(account) = account::existing(&inner.cache, &inner.client).await? else {
            return Ok(None);
        };
        match account.renewal_info(&identifier).await {
            Ok((information, poll_after)) => {
                if let Some(url) = &information.explanation_url {
                    tracing::debug!(url = %shortened(url), "the authority explains its window");
                }
                Ok(Some((information.suggested_window, poll_after)))
            }
            Err(instant_acme::Error::Unsupported(_)) => Ok(None),
            Err(error) => {
                let retry_after = inner.client.take_retry_after();
                Err(AcmeError::of_request(error, retry_after))
            }
        }
    }
}

/// Returns the identifier of a certificate for renewal information (RFC 9773, section 4.1).
///
/// It is made of the key identifier of the issuer and the serial number. `None` if the certificate
/// has no such extension, as those of some private authorities.
fn certificate_identifier(current: &Loaded) -> Option<CertificateIdentifier<'static>> {
    let leaf: &CertificateDer<'_> = current.key.cert.first()?;
    CertificateIdentifier::try_from(leaf).ok()
}
