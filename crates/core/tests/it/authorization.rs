//! `Authorization` is read once, strictly, and by the authenticator that it fits.

use crate::by_header::{ByHeader, any, code, key_or_token, optional_key_or_token, send, several};

#[tokio::test]
async fn an_authorization_without_a_reader_is_not_anonymous() {
    let optional = optional_key_or_token();
    let headers = [("authorization", "Basic YTpi")];
    assert_eq!(
        code(optional, &headers).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn an_authorization_without_a_reader_beside_a_cookie_is_refused() {
    let both = [("authorization", "Bearer wrong"), ("x-cookie", "ann")];
    assert_eq!(
        code(key_or_token(), &both).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn an_authorization_without_a_reader_beside_a_valid_key_is_ambiguous() {
    for foreign in ["Basic YTpi", "Bearer opaque", "Negotiate abc="] {
        let both = [("authorization", foreign), ("x-key", "ann")];
        assert_eq!(
            code(key_or_token(), &both).await,
            (400, "credentials_ambiguous".into()),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn a_malformed_authorization_is_refused_whatever_authenticators_there_are() {
    let layer = || {
        let both = several([ByHeader::new("token"), ByHeader::new("x-key")]);
        both.optional().build().unwrap()
    };
    for line in [
        "Bearer\tann",
        "Bearer  ann",
        "Bearer",
        "ann",
        "Bearer a b",
        "Bearer a, Basic b",
    ] {
        for headers in [
            &[("authorization", line)][..],
            &[("authorization", line), ("x-key", "ann")],
        ] {
            assert_eq!(
                code(layer(), headers).await,
                (400, "authorization_malformed".into()),
                "{headers:?}"
            );
        }
    }
    let twice = [
        ("authorization", "Bearer ann"),
        ("authorization", "Bearer ann"),
    ];
    assert_eq!(
        code(layer(), &twice).await,
        (400, "credentials_ambiguous".into())
    );
}

#[tokio::test]
async fn the_scheme_is_compared_without_case_and_the_token_is_removed() {
    for line in ["Bearer ann", "bearer ann", "BEARER ann"] {
        let headers = [("authorization", line)];
        let layer = ByHeader::new("token").layer();
        assert_eq!(send(layer, &headers).await.1, "ann by token");
    }
}

#[tokio::test]
async fn a_token_is_read_by_the_authenticator_whose_shape_fits_best() {
    let layer = || any([ByHeader::new("token"), ByHeader::new("key")]);
    let check = async |token: &'static str, expected: &str| {
        assert_eq!(send(layer(), &[("authorization", token)]).await.1, expected);
    };
    check("Bearer key_ann", "key_ann by key").await;
    check("Bearer key.ann", "key.ann by token").await;
    let only_keys = ByHeader::new("key").layer();
    assert_eq!(
        code(only_keys, &[("authorization", "Bearer other")]).await,
        (401, "unauthenticated".into())
    );
}
