//! One order, from the names to a certificate (RFC 8555, section 7.4).
//!
//! The steps of the protocol, each a function of `Ordering`:
//!
//! | step | request | source |
//! |---|---|---|
//! | `new_order` | names of the certificate | section 7.4 |
//! | `load_authorizations` | one for each name | section 7.5 |
//! | `respond` | publish, then say that it is there | section 7.5.1 |
//! | `wait_until_ready` | poll until the names are validated | section 7.1.6 |
//! | `finalize` | key and request (CSR), then the chain | section 7.4 |
//!
//! Each certificate gets a new key, so that a key that leaked is of use for one life at most.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, CertificateIdentifier, Identifier, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use zeroize::Zeroizing;

use super::{
    AcmeError, ChallengeKind,
    challenge::{Challenges, Published},
    client::AuthorityClient,
    domains,
    error::shortened,
    request::{is_bad_nonce, is_problem, with_nonces},
};
use crate::tls::error::CertificateError;

/// How long the authority may take to validate the names, and to issue the certificate.
const POLLING: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(120));

/// Makes one order.
pub(super) struct Ordering<'a> {
    /// Signs each request.
    pub(super) account: &'a Account,
    /// Asked for the last `Retry-After` when a request fails.
    pub(super) client: &'a AuthorityClient,
    /// Where responses are published while the order is in progress.
    pub(super) challenges: &'a Challenges,
    /// One kind for all names. There is no second try with another kind: it would fail a validation
    /// for nothing if the first one is right and the network is not.
    pub(super) kind: ChallengeKind,
    pub(super) domains: &'a [String],
    /// The profile of the certificate. `None` for the choice of the authority.
    pub(super) profile: Option<&'a str>,
    /// The certificate that the new one replaces, where the authority supports renewal information.
    pub(super) replaces: Option<CertificateIdentifier<'static>>,
}

/// Whether an order failed because the authority does not know the account.
pub(super) enum OrderFailure {
    /// The authority lost the account. A new one is created, once.
    NoAccount,
    /// Any other reason.
    Other(AcmeError),
}

impl From<AcmeError> for OrderFailure {
    fn from(error: AcmeError) -> Self {
        Self::Other(error)
    }
}

impl Ordering<'_> {
    /// Returns key and chain in PEM, the key first.
    ///
    /// The responses to challenges are removed when the names are validated, and on every error.
    ///
    /// # Errors
    ///
    /// Why there is no certificate. Nothing is stored here.
    pub(super) async fn run(self) -> Result<Zeroizing<String>, OrderFailure> {
        let mut order = self.new_order().await?;
        self.load_authorizations(&mut order).await?;
        let published = self.respond(&mut order).await?;
        self.wait_until_ready(&mut order).await?;
        drop(published);
        Ok(self.finalize(&mut order).await?)
    }

    /// A refusal because of the replaced certificate is tried again without it: renewal information is
    /// an advantage, and no condition of a certificate.
    async fn new_order(&self) -> Result<Order, OrderFailure> {
        let names = self
            .domains
            .iter()
            .map(|domain| domains::identifier(domain));
        let names: Vec<Identifier> = names.collect();
        let plain = || {
            let order = NewOrder::new(&names);
            match self.profile {
                Some(profile) => order.profile(profile),
                None => order,
            }
        };
        let mut created = match self.replaces.clone() {
            Some(replaces) => {
                let order = plain().replaces(replaces);
                with_nonces!(self.account.new_order(&order))
            }
            None => with_nonces!(self.account.new_order(&plain())),
        };
        // Another process replaced it, or the authority forgot the old certificate.
        if self.replaces.is_some() && created.as_ref().is_err_and(is_about_replacement) {
            created = with_nonces!(self.account.new_order(&plain()));
        }
        created.map_err(|error| match is_problem(&error, "accountDoesNotExist") {
            true => OrderFailure::NoAccount,
            false => OrderFailure::Other(self.failure(error)),
        })
    }

    /// Reads the authorization of each name into the order.
    ///
    /// It is repeated as a whole when a nonce is refused: the library remembers those that it has read.
    async fn load_authorizations(&self, order: &mut Order) -> Result<(), AcmeError> {
        let loaded = with_nonces!(async {
            let mut authorizations = order.authorizations();
            while let Some(authorization) = authorizations.next().await {
                authorization?;
            }
            Ok::<_, instant_acme::Error>(())
        });
        loaded.map_err(|error| self.failure(error))
    }

    /// Publishes the responses to all challenges, then says that they are there.
    ///
    /// Each response stays until all names are validated, so the authority may check them in any order
    /// and more than once.
    ///
    /// # Errors
    ///
    /// An authorization cannot be read, offers no challenge of this kind, or a response cannot be stored.
    async fn respond(&self, order: &mut Order) -> Result<Vec<Published>, AcmeError> {
        let mut published = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let authorization = authorization.map_err(|error| self.failure(error))?;
            // The authority remembers a name that it validated a short time ago.
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            published.push(self.respond_to(authorization).await?);
        }
        Ok(published)
    }

    /// The response is published before the authority is asked to check it: it may connect at once.
    async fn respond_to(
        &self,
        mut authorization: AuthorizationHandle<'_>,
    ) -> Result<Published, AcmeError> {
        let name = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(self.kind.into()) else {
            let problem = format!(
                "the authority offers no {} for `{name}`",
                self.kind.as_str()
            );
            return Err(AcmeError::Authority {
                problem: problem.into(),
                retry_after: None,
            });
        };
        let key_authorization = challenge.key_authorization();
        let published = match self.kind {
            ChallengeKind::Http01 => {
                let token = challenge.token.clone();
                self.challenges
                    .publish_http(&token, key_authorization.as_str())?
            }
            ChallengeKind::TlsAlpn01 => {
                let digest = key_authorization.digest();
                self.challenges.publish_tls(&name, digest.as_ref())?
            }
        };
        let ready = with_nonces!(challenge.set_ready());
        ready.map_err(|error| self.failure(error))?;
        Ok(published)
    }

    /// Waits until the authority has validated all names.
    ///
    /// At most 120 seconds, with growing pauses from 250 ms.
    async fn wait_until_ready(&self, order: &mut Order) -> Result<(), AcmeError> {
        let status = with_nonces!(order.poll_ready(&POLLING));
        match status {
            Ok(OrderStatus::Ready) => Ok(()),
            Ok(_) => Err(self.invalid(order, "").await),
            Err(error @ instant_acme::Error::Api(_)) if !is_bad_nonce(&error) => {
                let problem = error.to_string();
                Err(self.invalid(order, &problem).await)
            }
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Returns the names that could not be validated, with the reasons of the authority. If it
    /// tells none, all names count as failed.
    async fn invalid(&self, order: &mut Order, problem: &str) -> AcmeError {
        let retry_after = self.client.take_retry_after();
        if retry_after.is_some() {
            let problem = shortened(problem);
            return AcmeError::Authority {
                problem,
                retry_after,
            };
        }
        let mut failed = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let refreshed = with_nonces!(async { authorization.refresh().await.map(drop) });
            let is_failed = authorization.status == AuthorizationStatus::Invalid;
            if refreshed.is_err() || is_failed {
                failed.push(reason(&authorization));
            }
        }
        if failed.is_empty() && !problem.is_empty() {
            let problem = shortened(problem);
            return AcmeError::Authority {
                problem,
                retry_after,
            };
        }
        if failed.is_empty() {
            let name = |domain: &String| (domain.as_str().into(), shortened(problem));
            failed = self.domains.iter().map(name).collect();
        }
        AcmeError::Validation { failed }
    }

    /// Creates a key, sends the request for it, and waits for the chain.
    ///
    /// The key is wiped from memory with the returned text, which the caller stores.
    ///
    /// # Errors
    ///
    /// The authority refuses the request, or issues nothing within 120 seconds.
    async fn finalize(&self, order: &mut Order) -> Result<Zeroizing<String>, AcmeError> {
        let (key, request) = new_key(self.domains)?;
        let sent = with_nonces!(order.finalize_csr(&request));
        sent.map_err(|error| self.failure(error))?;
        let chain = with_nonces!(order.poll_certificate(&POLLING));
        let chain = chain.map_err(|error| self.failure(error))?;
        Ok(Zeroizing::new([key.as_str(), &chain].concat()))
    }

    /// Adds the wait that the authority asked for.
    fn failure(&self, error: instant_acme::Error) -> AcmeError {
        AcmeError::of_request(error, self.client.take_retry_after())
    }
}

/// Returns the name of an authorization, and why it failed.
fn reason(authorization: &AuthorizationHandle<'_>) -> (Box<str>, Box<str>) {
    let errors = authorization.challenges.iter();
    let mut errors = errors.filter_map(|challenge| challenge.error.as_ref());
    let problem = errors.next().map(ToString::to_string).unwrap_or_default();
    let name = authorization.identifier().to_string();
    (name.into(), shortened(&problem))
}

/// Returns whether an order failed because of the certificate that it replaces (RFC 9773,
/// section 5).
///
/// Names of the types of problems: RFC 9773, section 5, and RFC 8555, section 6.7.
fn is_about_replacement(error: &instant_acme::Error) -> bool {
    ["alreadyReplaced", "malformed", "orderReplacementInvalid"]
        .iter()
        .any(|name| is_problem(error, name))
        || match error {
            instant_acme::Error::Unsupported(_) => true,
            // The library compares the field with what it sent. A network failure is not about it.
            instant_acme::Error::Other(error) => !error.is::<std::io::Error>(),
            _ => false,
        }
}

/// Creates an ECDSA P-256 key. Returns it in PEM, and the request for a certificate in DER.
///
/// The names are in the extension for alternative names only. The subject stays empty: its common
/// name is limited to 64 characters, and clients do not read it (RFC 9525).
fn new_key(domains: &[String]) -> Result<(Zeroizing<String>, Vec<u8>), AcmeError> {
    let make = || {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(domains)?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key)?.der().to_vec();
        Ok::<_, rcgen::Error>((Zeroizing::new(key.serialize_pem()), request))
    };
    make().map_err(|error| AcmeError::Certificate(CertificateError::make(&error)))
}
