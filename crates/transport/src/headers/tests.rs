//! The headers that each kind of response gets.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, SERVER},
};

use super::{ContentSecurityPolicy, HeadersLayer, HeadersLayerBuilder};

fn with_headers(
    layer: &HeadersLayer,
    over_tls: bool,
    personal: bool,
    set: &[(&'static str, &'static str)],
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in set {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let prepared = &layer.config.prepared;
    prepared.add_to(&mut headers, over_tls, personal);
    headers
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    assert!(
        headers.get_all(name).iter().count() <= 1,
        "{name} is sent twice"
    );
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn transport_security_is_promised_over_tls_only() {
    let layer = HeadersLayer::api();
    let name = "strict-transport-security";
    assert_eq!(
        value(&with_headers(&layer, true, false, &[]), name),
        Some("max-age=31536000")
    );
    assert_eq!(value(&with_headers(&layer, false, false, &[]), name), None);
    assert_eq!(
        value(
            &with_headers(&layer, false, false, &[(name, "max-age=1")]),
            name
        ),
        None
    );
    assert_eq!(
        value(
            &with_headers(&layer, true, false, &[(name, "max-age=1")]),
            name
        ),
        Some("max-age=31536000")
    );
    let without = HeadersLayer::builder().dangerously_without_hsts().build();
    assert_eq!(value(&with_headers(&without, true, false, &[]), name), None);
}

#[test]
fn every_preset_closes_what_browsers_leave_open() {
    let page = HeadersLayer::browser(&ContentSecurityPolicy::same_origin());
    for layer in [HeadersLayer::api(), page] {
        let headers = with_headers(&layer, true, false, &[]);
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
        ] {
            assert_eq!(value(&headers, name), Some(expected), "{name}");
        }
        assert!(
            value(&headers, "content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'")
        );
        assert!(
            value(&headers, "permissions-policy")
                .unwrap()
                .contains("microphone=()")
        );
        assert!(value(&headers, "referrer-policy").is_some());
    }
}

#[test]
fn personal_responses_and_errors_are_not_stored() {
    let layer = HeadersLayer::api();
    assert_eq!(
        value(&with_headers(&layer, true, true, &[]), "cache-control"),
        Some("no-store")
    );
    assert_eq!(
        value(&with_headers(&layer, true, false, &[]), "cache-control"),
        None
    );
    let chosen = [("cache-control", "private, max-age=60")];
    assert_eq!(
        value(&with_headers(&layer, true, true, &chosen), "cache-control"),
        Some("private, max-age=60")
    );
}

#[test]
fn a_handler_keeps_its_own_policy_but_not_its_banner() {
    let set = [
        (
            "content-security-policy",
            "default-src 'none'; img-src 'self'",
        ),
        ("x-content-type-options", "sniff"),
        ("server", "secret/1.2.3"),
        ("x-powered-by", "secret"),
    ];
    let headers = with_headers(&HeadersLayer::api(), true, false, &set);
    assert_eq!(
        value(&headers, "content-security-policy"),
        Some("default-src 'none'; img-src 'self'")
    );
    assert_eq!(value(&headers, "x-content-type-options"), Some("nosniff"));
    assert_eq!(
        (value(&headers, "server"), value(&headers, "x-powered-by")),
        (None, None)
    );
}

#[test]
fn a_handler_keeps_each_line_of_its_headers() {
    let set = [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("server", "one"),
        ("server", "two"),
        ("set-cookie", "c=3"),
    ];
    let headers = with_headers(&HeadersLayer::api(), true, true, &set);
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2", "c=3"]);
    assert!(!headers.contains_key("server"));
}

#[test]
fn what_no_response_may_have_is_not_sent_either_if_it_is_set() {
    let names = ["server", "x-powered-by", "strict-transport-security"];
    let set = |layer: HeadersLayerBuilder, name| {
        let value = HeaderValue::from_static("set");
        layer.set(HeaderName::from_static(name), value)
    };
    let layer = names.into_iter().fold(HeadersLayer::builder(), set).build();
    let headers = with_headers(&layer, false, false, &[]);
    assert!(names.iter().all(|name| !headers.contains_key(*name)));
    let over_tls = with_headers(&layer, true, false, &[]);
    assert_eq!(
        value(&over_tls, "strict-transport-security"),
        Some("max-age=31536000")
    );
}

#[test]
fn expected_headers_change_no_response() {
    let sets: [&[(&str, &str)]; 4] = [
        &[],
        &[("content-type", "text/plain")],
        &[("etag", "1"), ("etag", "2"), ("set-cookie", "a=1")],
        &[
            ("server", "own"),
            ("cache-control", "private"),
            ("etag", ""),
        ],
    ];
    let bare = HeadersLayer::builder().set(ETAG, HeaderValue::from_static("preset"));
    let more = [CONTENT_TYPE, ETAG, CACHE_CONTROL, SERVER, CONTENT_TYPE];
    let numbered = (0..40).map(|it| HeaderName::try_from(format!("x-{it}")).unwrap());
    let expecting = bare.clone().expect_headers(more).expect_headers(numbered);
    let (bare, expecting) = (bare.build(), expecting.build());
    for set in sets {
        for (over_tls, personal) in [(false, false), (true, true)] {
            let sent = with_headers(&expecting, over_tls, personal, set);
            assert_eq!(
                sent,
                with_headers(&bare, over_tls, personal, set),
                "{set:?}"
            );
        }
    }
}

#[test]
fn robots_are_kept_out_where_it_is_said() {
    let robots = |layer: &HeadersLayer| {
        value(&with_headers(layer, true, false, &[]), "x-robots-tag").map(str::to_owned)
    };
    let page = HeadersLayer::builder().browser(&ContentSecurityPolicy::same_origin());
    assert_eq!(robots(&page.clone().build()), None);
    // Whatever the order of the calls is.
    let hidden = HeadersLayer::builder().no_index();
    let hidden = hidden.browser(&ContentSecurityPolicy::same_origin());
    for layer in [page.no_index(), hidden, HeadersLayer::builder()] {
        let sent = robots(&layer.build());
        assert_eq!(sent.as_deref(), Some("noindex, nofollow"));
    }
    assert_eq!(robots(&HeadersLayer::builder().index().build()), None);
}

#[test]
fn a_preset_can_be_changed_and_extended() {
    let layer = HeadersLayer::builder().cross_origin_resources().set(
        HeaderName::from_static("x-custom"),
        HeaderValue::from_static("ours"),
    );
    let headers = with_headers(&layer.build(), true, false, &[]);
    assert_eq!(
        value(&headers, "cross-origin-resource-policy"),
        Some("cross-origin")
    );
    assert_eq!(value(&headers, "x-custom"), Some("ours"));
}
