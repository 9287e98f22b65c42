//! Credentials that are sent without TLS.

use http::header;
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Fact, Guard,
    Principal, Scheme, SecurityContext, Verdict,
};
use palisade_transport::{ClientInfoLayer, HttpsLayer};

use crate::layers::{hosts, redirect_all_to, request};

/// Asks in clear for a page that moves. Returns status, code, whether it moved, and what is recorded.
fn in_clear(https: &HttpsLayer, uri: &str, lines: &[(&'static str, &str)]) -> (u16, Vec<Fact>) {
    let mut head = request(uri, Scheme::Http).into_parts().0;
    for (name, value) in lines {
        head.headers.append(*name, value.parse().unwrap());
    }
    let cx = SecurityContext::find_or_create(&mut head);
    assert!(matches!(
        ClientInfoLayer::direct().admit(&cx, &mut head),
        Verdict::Admit(())
    ));
    let status = match https.admit(&cx, &mut head) {
        Verdict::Refuse(refusal) => {
            let moves = refusal.headers().any(|(name, _)| name == header::LOCATION);
            assert_eq!(moves, refusal.status() == 308);
            assert_eq!(
                refusal.code() == "credential_in_clear",
                !cx.facts().is_empty()
            );
            refusal.status().as_u16()
        }
        _ => 200,
    };
    (status, cx.facts())
}

fn exposed(kind: &'static str, id: Option<&str>) -> Fact {
    Fact::CredentialExposed {
        kind: kind.into(),
        id: id.map(Into::into),
    }
}

#[test]
fn a_request_in_clear_with_a_credential_is_refused_and_not_redirected() {
    let own = header::HeaderName::from_static("x-session");
    let every = HttpsLayer::builder()
        .redirect_to("example.com")
        .every_path();
    let page = HttpsLayer::builder()
        .redirect_within(hosts(), 443)
        .page("/tts");
    for https in [every, page] {
        let https = https.credential_header(own.clone()).build().unwrap();
        for (lines, kind) in [
            (&[("x-api-key", "secret")][..], "x-api-key"),
            (&[("x-api-key", "")], "x-api-key"),
            (&[("authorization", "Bearer secret")], "authorization"),
            (&[("authorization", "nonsense")], "authorization"),
            (
                &[("proxy-authorization", "Basic YTpi")],
                "proxy-authorization",
            ),
            (&[("x-session", "secret")], "x-session"),
            (&[("cookie", "a=b; __Host-session=secret")], "cookie"),
            (
                &[("cookie", "a=b"), ("cookie", "__secure-x=secret")],
                "cookie",
            ),
        ] {
            let refused = in_clear(&https, "/tts?text=a", lines);
            assert_eq!(refused, (403, vec![exposed(kind, None)]), "{lines:?}");
        }
        // A browser that was here before sends its other cookies, and must find its way.
        for lines in [&[][..], &[("cookie", "theme=dark; host=__Host-")]] {
            assert_eq!(in_clear(&https, "/tts", lines), (308, Vec::new()));
        }
    }
}

#[test]
fn a_credential_in_clear_passes_neither_as_a_challenge_nor_where_nothing_moves() {
    let https = HttpsLayer::new();
    let challenge = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ";
    for uri in [challenge, "/tts"] {
        let refused = in_clear(&https, uri, &[("x-api-key", "secret")]);
        assert_eq!(refused, (403, vec![exposed("x-api-key", None)]), "{uri}");
    }
    assert_eq!(in_clear(&https, challenge, &[]), (200, Vec::new()));
    let clear = HttpsLayer::builder().dangerously_accept_plain_http();
    let clear = clear.build().unwrap();
    let served = in_clear(&clear, "/tts", &[("x-api-key", "secret")]);
    assert_eq!(served, (200, Vec::new()));
}

/// Reads a password in the query; its public id is what stands before the first dot.
struct Passwords(AuthenticatorId);

impl Authenticator for Passwords {
    fn id(&self) -> AuthenticatorId {
        self.0
    }

    fn kind(&self) -> &'static str {
        "password"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![
            CredentialSource::query_parameter("password"),
            CredentialSource::header(header::HeaderName::from_static("x-password")),
        ]
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut http::request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        panic!("nothing is authenticated in clear")
    }

    fn on_exposed(&self, _: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let (id, _) = credential.as_str()?.split_once('.')?;
        Some(id.into())
    }

    fn challenge(&self) -> http::HeaderValue {
        http::HeaderValue::from_static("Password")
    }
}

#[test]
fn credentials_that_authenticators_read_are_refused_in_clear_and_named() {
    let passwords = AuthenticateLayer::new(Passwords(AuthenticatorId::unique()));
    let https = redirect_all_to("example.com");
    let https = https.with_credentials_of(passwords);
    for (uri, lines, expected) in [
        (
            "/?password=ann.secret",
            &[][..],
            exposed("password", Some("ann")),
        ),
        (
            "/",
            &[("x-password", "ann.secret")],
            exposed("password", Some("ann")),
        ),
        ("/?password=secret", &[], exposed("password", None)),
        (
            "/?password=a.b&password=c.d",
            &[],
            exposed("credential", None),
        ),
        (
            "/",
            &[("authorization", "Basic YTpi")],
            exposed("authorization", None),
        ),
        ("/", &[("x-api-key", "secret")], exposed("x-api-key", None)),
    ] {
        assert_eq!(in_clear(&https, uri, lines), (403, vec![expected]), "{uri}");
    }
    assert_eq!(in_clear(&https, "/?text=a", &[]), (308, Vec::new()));
}
