//! Renewal information (RFC 9773), from an authority of the test: pebble of Debian has none.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Router, extract::Path as Segment, http::header::RETRY_AFTER, routing::get};
use palisade_core::Clock as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::*;

/// An authority of the test, over TLS.
pub(crate) struct Authority {
    running: Running,
    root: String,
}

/// Starts an authority with these resources.
pub(crate) fn authority(app: Router) -> Authority {
    let (root, issuer) = issuer();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem();
    let certificates = Certificates::from_pem(leaf.as_bytes(), key.serialize_pem().as_bytes());
    let running = start_with(bind().tls(certificates.unwrap()), app);
    Authority { running, root }
}

impl Authority {
    pub(crate) fn settings(&self, cache: &Path) -> AcmeBuilder {
        Acme::builder([NAME], cache)
            .accept_terms()
            .directory(self.url("dir"))
            .root(self.root.clone())
            .without_self_check()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}/{path}", self.running.address)
    }
}

fn issuer() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = root.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(root, key))
}

/// Writes an account, and a certificate that is valid for 90 days from now.
pub(super) fn fill_cache(acme: &Acme, clock: &ManualClock) {
    let now =
        OffsetDateTime::from_unix_timestamp(i64::try_from(clock.unix_time().as_secs()).unwrap());
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut leaf = CertificateParams::new([NAME.to_owned()]).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = now.unwrap();
    leaf.not_after = now.unwrap() + 90 * DAY;
    let leaf = leaf.signed_by(&key, &issuer().1).unwrap();
    let path = acme.status().unwrap().path;
    std::fs::write(&path, [key.serialize_pem(), leaf.pem()].concat()).unwrap();
    let encoded = base64_url(&key.serialize_der());
    let directory = acme.directory();
    let account =
        format!(r#"{{"id":"{directory}/1","key_pkcs8":"{encoded}","directory":"{directory}"}}"#);
    std::fs::write(files::account_of(acme), account).unwrap();
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;

    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Runs an authority that suggests a window of days from now. Calls `test` with what it needs:
/// the certificate, the clock, and the number of requests for the window and for a nonce.
async fn with_window(
    days: [u64; 2],
    test: impl AsyncFnOnce(&Acme, &ManualClock, &AtomicUsize, &AtomicUsize),
) {
    let clock = clock();
    let now = i64::try_from(clock.unix_time().as_secs()).unwrap();
    let [start, end] = days.map(|day| {
        let time =
            OffsetDateTime::from_unix_timestamp(now).unwrap() + DAY * u32::try_from(day).unwrap();
        time.format(&Rfc3339).unwrap()
    });
    let (windows, nonces) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, counted_nonces) = (Arc::clone(&windows), Arc::clone(&nonces));
    let window = async move |Segment(identifier): Segment<String>| {
        assert_eq!(identifier.matches('.').count(), 1, "{identifier}");
        counted.fetch_add(1, Ordering::SeqCst);
        let window = format!(r#"{{"suggestedWindow":{{"start":"{start}","end":"{end}"}}}}"#);
        ([(RETRY_AFTER, "21600")], window)
    };
    let nonce = async move || {
        counted_nonces.fetch_add(1, Ordering::SeqCst);
        axum::http::StatusCode::SERVICE_UNAVAILABLE
    };
    let url: Arc<std::sync::OnceLock<String>> = Arc::default();
    let base = Arc::clone(&url);
    let directory = async move || {
        let base = base.get().unwrap();
        let urls = [
            "newNonce",
            "newAccount",
            "newOrder",
            "renewalInfo",
            "revokeCert",
            "keyChange",
        ];
        let urls = urls.map(|name| format!(r#""{name}":"{base}{name}""#));
        format!("{{{}}}", urls.join(","))
    };
    let app = Router::new()
        .route("/dir", get(directory))
        .route("/renewalInfo/{id}", get(window))
        .route("/newNonce", get(nonce));
    let authority = authority(app);
    url.set(authority.url("")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let acme = authority
        .settings(folder.path())
        .clock(clock.shared())
        .build()
        .unwrap();
    fill_cache(&acme, &clock);
    test(&acme, &clock, &windows, &nonces).await;
}

#[tokio::test]
async fn the_authority_can_ask_for_an_early_renewal() {
    with_window([3, 4], async |acme, clock, windows, nonces| {
        assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
        assert_eq!(windows.load(Ordering::SeqCst), 1);
        // The window is requested when the authority said, and not at every look.
        for _ in 0..10 {
            clock.advance(30 * MINUTE);
            assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
        }
        assert_eq!(windows.load(Ordering::SeqCst), 1);
        clock.advance(HOUR);
        assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
        assert_eq!(windows.load(Ordering::SeqCst), 2);
        assert_eq!(nonces.load(Ordering::SeqCst), 0);
        clock.advance(4 * DAY);
        // This authority issues nothing; that it was asked is enough.
        acme.renew_if_due().await.unwrap_err();
        assert_eq!(nonces.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn the_authority_cannot_put_renewal_off() {
    with_window([85, 88], async |acme, clock, _, nonces| {
        clock.advance(53 * DAY);
        assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
        clock.advance(7 * DAY);
        acme.renew_if_due().await.unwrap_err();
        assert_eq!(nonces.load(Ordering::SeqCst), 1);
    })
    .await;
}
