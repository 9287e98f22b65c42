//! TLS, certificates, redirects, slow connections.

use std::{fs, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};

use super::{
    Checked,
    service::{KEY, Reply, Service, good},
};
use crate::support::Folder;

/// An authority of the test, and a certificate with changes.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn config(&self, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        self.config_with(&[&TLS13, &TLS12], change)
    }

    fn config_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        change: impl FnOnce(&mut CertificateParams),
    ) -> ServerConfig {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)
                .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

/// Checks a TLS service whose authority is trusted.
fn trusting(authority: &Authority, service: &Service, arguments: &str) -> Checked {
    let folder = Folder::new();
    let file = folder.path("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    Checked::of(service, &format!("--ca {} {arguments}", file.display()))
}

#[test]
fn a_service_without_tls() {
    Checked::of(&Service::start(good), "").assert_found("no-tls");
}

#[test]
fn a_good_service_over_tls_has_no_finding() {
    let authority = Authority::new();
    let service = Service::start_tls(authority.config(|_| ()), good);
    let checked = trusting(&authority, &service, "");
    assert_eq!(checked.list("findings"), [""; 0], "{:#}", checked.0);
    assert_eq!(checked.0["grade"]["letter"], "A");
    for code in [
        "no-tls",
        "tls-old",
        "tls13-missing",
        "certificate-name",
        "hsts-missing",
        "http2-missing",
    ] {
        checked.assert_passed(code);
    }
}

#[test]
fn only_tls_1_2() {
    let authority = Authority::new();
    let config = authority.config_with(&[&TLS12], |_| ());
    let service = Service::start_tls(config, good);
    trusting(&authority, &service, "").assert_found("tls13-missing");
}

#[test]
fn http_2_is_not_offered() {
    let authority = Authority::new();
    let mut config = authority.config(|_| ());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let service = Service::start_tls(config, good);
    let checked = trusting(&authority, &service, "");
    checked.assert_found("http2-missing");
    assert_eq!(checked.0["grade"]["letter"], "A", "information only");
}

#[test]
fn an_authority_that_is_not_trusted() {
    let service = Service::start_tls(Authority::new().config(|_| ()), good);
    let checked = trusting(&Authority::new(), &service, "");
    checked.assert_found("certificate-untrusted");
    checked.assert_passed("certificate-expired");
}

#[test]
fn a_certificate_for_another_name() {
    let authority = Authority::new();
    let name = "other.example".to_owned();
    let params = CertificateParams::new(vec![name]).unwrap();
    let config = authority.config(|own| own.subject_alt_names = params.subject_alt_names);
    let checked = trusting(&authority, &Service::start_tls(config, good), "");
    checked.assert_found("certificate-name");
    checked.assert_passed("certificate-untrusted");
    assert!(checked.seen("certificate-name").contains("other.example"));
}

#[test]
fn an_expired_certificate_is_not_called_untrusted_as_well() {
    let authority = Authority::new();
    let config = authority.config(|own| {
        own.not_before = date_time_ymd(2020, 1, 1);
        own.not_after = date_time_ymd(2020, 4, 1);
    });
    let checked = trusting(&authority, &Service::start_tls(config, good), "");
    checked.assert_found("certificate-expired");
    checked.assert_passed("certificate-untrusted");
    assert!(checked.seen("certificate-expired").contains("2020-04-01"));
}

#[test]
fn a_certificate_near_its_end() {
    let authority = Authority::new();
    let config = authority.config(|own| {
        own.not_before = date_time_ymd(2020, 1, 1);
        own.not_after = time_from_now(Duration::from_secs(5 * 24 * 60 * 60));
    });
    let checked = trusting(&authority, &Service::start_tls(config, good), "");
    checked.assert_found("certificate-near-end");
    checked.assert_passed("certificate-expired");
}

/// The system clock is that of the program under test, so the test reads it as well.
fn time_from_now(after: Duration) -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + after
}

#[test]
fn a_key_is_not_sent_over_an_untrusted_certificate_unless_it_stays_here() {
    // 127.0.0.1 is this machine, so the key is sent; that it is not sent to others is a test of `probe`.
    let folder = Folder::new();
    fs::write(folder.path("key"), KEY).unwrap();
    let service = Service::start_tls(Authority::new().config(|_| ()), good);
    let line = format!("check {}/tts?text=a --json --key -", service.url());
    let ran = folder.run_with_input(&line, KEY.as_bytes());
    assert!(ran.out.contains("key-in-url"), "{}", ran.err);
    assert!(!ran.out.contains("the key was not sent"), "{}", ran.out);
}

#[test]
fn old_versions_of_tls() {
    let old = Service::raw(|stream| {
        let mut hello = [0; 1024];
        let _ = stream.read(&mut hello);
        // A `ServerHello` of the version that was offered, if it is TLS 1.0 or 1.1.
        let _ = match hello.get(9..11) {
            Some([3, minor @ (1 | 2)]) => {
                stream.write_all(&[22, 3, *minor, 0, 80, 2, 0, 0, 76, 3, *minor])
            }
            _ => stream.write_all(&[21, 3, 1, 0, 2, 2, 70]),
        };
    });
    let url = old.url().replace("http://", "https://");
    let checked = Checked::url(&url, "");
    checked.assert_found("tls-old");
    checked.assert_found("tls-failed");
    assert_eq!(
        checked.seen("tls-old"),
        "[\"TLS 1.0 was accepted\",\"TLS 1.1 was accepted\"]"
    );
}

#[test]
fn hsts_is_missing_or_short() {
    let authority = Authority::new();
    let with = |value: Option<&'static str>| {
        let service = Service::start_tls(authority.config(|_| ()), move |asked| {
            let mut reply = good(asked);
            reply.remove("strict-transport-security");
            if let Some(value) = value {
                reply.add("strict-transport-security", value);
            }
            reply
        });
        trusting(&authority, &service, "")
    };
    with(None).assert_found("hsts-missing");
    let short = with(Some("max-age=3600"));
    short.assert_found("hsts-short");
    short.assert_passed("hsts-missing");
    with(Some("max-age=31536000")).assert_passed("hsts-short");
}

#[test]
fn what_the_port_without_tls_says() {
    let authority = Authority::new();
    let with = |plain: Service| {
        let service = Service::start_tls(authority.config(|_| ()), good);
        trusting(
            &authority,
            &service,
            &format!("--http-port {}", plain.port()),
        )
    };
    let redirect = |to: &'static str| {
        Service::start(move |_| {
            let mut reply = Reply::new(308, "text/plain", "");
            reply.add("location", to);
            reply
        })
    };
    with(Service::start(|_| Reply::new(200, "audio/wav", "RIFF"))).assert_found("http-served");
    with(redirect("http://127.0.0.1/elsewhere")).assert_found("redirect-missing");
    with(redirect("https://other.example/")).assert_found("redirect-missing");
    for plain in [
        redirect("https://127.0.0.1/"),
        Service::start(|_| Reply::new(403, "text/plain", "")),
    ] {
        let checked = with(plain);
        checked.assert_passed("http-served");
        checked.assert_passed("redirect-missing");
    }
}

#[test]
fn a_silent_port_without_tls_is_not_checked_and_a_closed_one_is_passed() {
    let authority = Authority::new();
    let with = |port: u16| {
        let service = Service::start_tls(authority.config(|_| ()), good);
        let more = format!("--http-port {port} --timeout 1");
        trusting(&authority, &service, &more)
    };
    // The system accepts connections, and no program reads from them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let checked = with(port);
    for code in ["http-served", "redirect-missing"] {
        let why = checked.why_not_checked(code);
        assert!(why.ends_with("no response in time"), "{code}: {why}");
    }
    drop(silent);
    let closed = with(port);
    closed.assert_passed("http-served");
    closed.assert_passed("redirect-missing");
}

#[test]
fn the_upgrade_to_clear_text_http_2() {
    super::both("h2c-upgrade", "", |asked, reply| {
        if asked.header("upgrade") == "h2c" {
            reply.status = 101;
            reply.add("upgrade", "h2c");
            reply.add("connection", "upgrade");
        }
    });
}

#[test]
fn a_request_that_never_ends() {
    let patient = Service::start(good);
    Checked::of(&patient, "--slow 2").assert_found("slow-headers");
    let strict = Service::raw(|stream| {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).unwrap_or_default();
        // Closes at once if the head is not complete.
        if bytes[..read].ends_with(b"\r\n\r\n") {
            let _ = stream.write_all(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n");
        }
    });
    Checked::of(&strict, "--slow 2").assert_passed("slow-headers");
}
