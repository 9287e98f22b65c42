//! One attempt to renew: under the lock of the cache, recorded before it is made.
//!
//! The order of the steps matters:
//!
//! 1. Without the lock: is a certificate due? Nearly always it is not, and nothing else happens.
//! 2. With the lock: the same question, since another process may have renewed in between.
//! 3. The attempt is written to the history as a failure. A crash in the next step then waits too.
//! 4. The order is made and its certificate stored.
//! 5. The history is corrected: a success, or the reason of the failure.

use std::{sync::atomic::Ordering as AtomicOrdering, time::Duration};

use zeroize::Zeroizing;

use crate::tls::{
    acme::{
        Acme, AcmeError, AcmeEvent, CLOCK_SKEW, Renewal, account,
        history::History,
        order::{OrderFailure, Ordering},
    },
    certificates::Loaded,
};

impl Acme {
    /// Orders a certificate if one is due, or is forced, and no other process does.
    ///
    /// Called every 30 seconds by a server. Holds the lock of the cache for the whole order, up to some
    /// minutes; other processes return [`Renewal::Busy`] at once and do not wait.
    ///
    /// # Errors
    ///
    /// The cache cannot be used, or the attempt failed. The failure is recorded and reported already.
    pub(super) async fn try_renew(&self, is_forced: bool) -> Result<Renewal, AcmeError> {
        let inner = &*self.inner;
        if !is_forced && !self.is_due(inner.cache.certificate()?.as_ref()).await {
            return Ok(Renewal::NotDue);
        }
        let Some(_lock) = inner.cache.try_lock()? else {
            return Ok(Renewal::Busy);
        };
        // Another process may have renewed it since.
        let current = inner.cache.certificate()?;
        if !is_forced && !self.is_due(current.as_ref()).await {
            return Ok(Renewal::NotDue);
        }
        let (now, id) = (inner.clock.unix_time(), inner.cache.certificate_id());
        let mut history = inner.cache.history(&inner.domains, now)?;
        if let Some(until) = history.blocked_until(id, &inner.domains, now) {
            return Ok(Renewal::Waiting { until });
        }
        history.begin(id, now);
        // Fails if the cache cannot be written, before the authority is asked.
        inner.cache.write_history(&history)?;
        let ordered = self.order(current.as_ref()).await;
        let stored = ordered.and_then(|(pem, loaded)| {
            inner.cache.write_certificate(&pem)?;
            Ok(loaded)
        });
        let now = inner.clock.unix_time();
        match stored {
            Ok(loaded) => {
                let life = loaded.not_after.saturating_sub(loaded.not_before);
                history.succeed(id, life, now);
                self.report(&AcmeEvent::Issued {
                    names: loaded.names.clone(),
                    expires: loaded.not_after,
                });
                inner.cache.write_history(&history)?;
                Ok(Renewal::Issued)
            }
            Err(error) => {
                self.record_failure(&mut history, &error, now);
                inner.cache.write_history(&history)?;
                Err(error)
            }
        }
    }

    /// Records and reports a failed attempt.
    ///
    /// Only a failed validation counts against a name. Other failures, such as a refused connection,
    /// lengthen the wait for this certificate alone.
    fn record_failure(&self, history: &mut History, error: &AcmeError, now: Duration) {
        let id = self.inner.cache.certificate_id();
        let failed = match error {
            AcmeError::Validation { failed } => failed.as_slice(),
            _ => &[],
        };
        let names = failed.iter().map(|(name, _)| &**name);
        let problem = error.to_string();
        history.fail(id, names, error.retry_after(), problem.clone(), now);
        let next_attempt = history.blocked_until(id, &self.inner.domains, now);
        self.report(&AcmeEvent::Failed {
            kind: error.kind(),
            problem: problem.into(),
            next_attempt: next_attempt.unwrap_or(now),
        });
    }

    /// Makes the self-check, where it has not passed yet, and one order.
    ///
    /// An account that the authority does not know is replaced once. If the new one is not known either,
    /// the authority is at fault, and another attempt would not help.
    ///
    /// The certificate is parsed and matched with its key before it is returned, so a chain that cannot
    /// be used is never stored.
    pub(super) async fn order(
        &self,
        current: Option<&Loaded>,
    ) -> Result<(Zeroizing<String>, Loaded), AcmeError> {
        let inner = &*self.inner;
        inner.challenges.remove_stale();
        if inner.needs_self_check.load(AtomicOrdering::Relaxed) {
            for domain in &inner.domains {
                inner.self_check.run(domain, &inner.challenges).await?;
            }
            inner.needs_self_check.store(false, AtomicOrdering::Relaxed);
        }
        let pem = match self.order_once(current).await {
            Err(OrderFailure::NoAccount) => {
                // The authority lost it, as staging authorities do.
                inner.cache.set_account_aside()?;
                self.order_once(current).await
            }
            ordered => ordered,
        };
        let pem = pem.map_err(|failure| match failure {
            OrderFailure::Other(error) => error,
            OrderFailure::NoAccount => AcmeError::Authority {
                problem: "it does not know the account that it created".into(),
                retry_after: None,
            },
        })?;
        let path = inner.cache.certificate_path();
        let loaded = Loaded::parse(&path, pem.as_bytes(), pem.as_bytes());
        // It may not be valid yet by this clock, which can be behind that of the authority.
        let loaded = loaded.and_then(|loaded| {
            let now = inner.clock.unix_time();
            let now = now.max(loaded.not_before.min(now + CLOCK_SKEW));
            loaded.valid_at(&path, now)
        });
        Ok((pem, loaded.map_err(AcmeError::Certificate)?))
    }

    /// The account is opened each time: the file may have been replaced by another process.
    async fn order_once(
        &self,
        current: Option<&Loaded>,
    ) -> Result<Zeroizing<String>, OrderFailure> {
        let inner = &*self.inner;
        let account = account::open(&inner.account, &inner.cache, &inner.client).await?;
        let ordering = Ordering {
            account: &account,
            client: &inner.client,
            challenges: &inner.challenges,
            kind: inner.self_check.kind,
            domains: &inner.domains,
            profile: inner.profile.as_deref(),
            replaces: current.and_then(|loaded| self.replaced(loaded)),
        };
        ordering.run().await
    }
}
