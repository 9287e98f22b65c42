//! Checks the files of certificates and of client authentication while a server runs.

use std::{future::pending, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior},
};

use crate::tls::{certificates::Certificates, client_auth::ClientAuth};

/// How often the certificate files are checked. Renewals happen weeks before expiry.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Checks the files of several certificates, and those of client authentication, at intervals,
/// until the future is dropped.
pub(crate) async fn keep_all_fresh(
    certificates: &[Certificates],
    client_auth: Option<&ClientAuth>,
) {
    let mut checks = JoinSet::new();
    if let Some(client_auth) = client_auth {
        checks.spawn(keep_clients_fresh(client_auth.clone()));
    }
    for one in certificates {
        checks.spawn(keep_fresh(Some(one.clone())));
    }
    while checks.join_next().await.is_some() {}
    pending().await
}

/// Checks the files of client authentication at intervals.
async fn keep_clients_fresh(client_auth: ClientAuth) {
    let mut checks = check_times();
    loop {
        checks.tick().await;
        let client_auth = client_auth.clone();
        // Reading files may block. `refresh` reports the result itself.
        let refreshed = tokio::task::spawn_blocking(move || drop(client_auth.refresh()));
        if refreshed.await.is_err() {
            tracing::error!("the check of the files of client authentication panicked");
        }
    }
}

/// Returns the times of the checks. The first is an interval from now.
fn check_times() -> Interval {
    let mut checks = tokio::time::interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    checks
}

/// Orders certificates and checks their files at intervals, until the future is dropped.
///
/// A source that orders begins at once. Files were read when the certificates were opened, so their
/// first check is an interval later: who changes them and calls `refresh` gets the result alone.
async fn keep_fresh(certificates: Option<Certificates>) {
    let Some(certificates) = certificates else {
        return pending().await;
    };
    let mut checks = check_times();
    if !certificates.orders() {
        checks.tick().await;
    }
    loop {
        // In a task of its own: a panic must not end the server. Dropping the set aborts it.
        let mut order = JoinSet::new();
        let ordering = certificates.clone();
        order.spawn(async move { ordering.order_if_due().await });
        if let Some(Err(_)) = order.join_next().await {
            tracing::error!("the order of a certificate panicked");
        }
        let certificates = certificates.clone();
        // Reading files may block. `refresh` reports the result itself.
        let refreshed = tokio::task::spawn_blocking(move || drop(certificates.refresh()));
        if refreshed.await.is_err() {
            tracing::error!("the check of the certificate panicked");
        }
        checks.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changed_files_are_found_within_half_a_minute_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (
            folder.path().join("chain.pem"),
            folder.path().join("key.pem"),
        );
        let mint = || {
            let CertifiedKey { cert, signing_key } =
                generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(&key, signing_key.serialize_pem()).unwrap();
            fs::write(&chain, cert.pem()).unwrap();
        };
        mint();
        let certificates = Certificates::from_pem_files(&chain, &key).unwrap();
        let first = certificates.fingerprint();
        mint();
        assert_eq!(certificates.fingerprint(), first);
        // The paused clock advances to the next timer when nothing else is left to do.
        let check = keep_fresh(Some(certificates.clone()));
        let _ = tokio::time::timeout(CHECK_INTERVAL + Duration::from_secs(1), check).await;
        assert_ne!(certificates.fingerprint(), first);
    }
}
