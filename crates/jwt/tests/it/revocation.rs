//! Tokens that are revoked before they expire.

use std::{fs, time::Duration};

use palisade_jwt::{
    Issuer, JwtLayer, Verifier,
    mint::Token,
    revocation::{ListUnavailable, RevocationList, RevokedToken, RevokedTokens, RevokedTokensFile},
};

use crate::support::{AUDIENCE, ISSUER, NOW, builder, clock, good, hmac, status, verifier};

const SOON: Duration = Duration::from_secs(NOW + 86_430);

fn layer(list: impl RevocationList) -> JwtLayer {
    let builder = JwtLayer::builder(verifier(&hmac())).revocation_list(list);
    builder.build().unwrap()
}

fn sign(token: &Token) -> String {
    token.sign(&hmac(), &clock()).unwrap()
}

#[tokio::test]
async fn a_revoked_token_is_refused_although_it_is_in_the_cache() {
    let list = RevokedTokens::new();
    let layer = layer(list.clone());
    let (one, two) = (
        sign(&good().claim("jti", "t-1")),
        sign(&good().claim("jti", "t-2")),
    );
    assert_eq!(status(&layer, &one).await, 200);
    list.revoke_token("t-1", SOON).unwrap();
    assert_eq!(status(&layer, &one).await, 401);
    assert_eq!(status(&layer, &two).await, 200);
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_tokens_of_before() {
    let list = RevokedTokens::new();
    let layer = layer(list.clone());
    let before = sign(&good().claim("iat", NOW - 10));
    let after = sign(&good().claim("iat", NOW));
    let of_another = sign(
        &Token::new("https://login.example", "https://tts.example", "kim").claim("iat", NOW - 10),
    );
    assert_eq!(status(&layer, &before).await, 200);
    list.revoke_principal("lin", Duration::from_secs(NOW), SOON)
        .unwrap();
    assert_eq!(status(&layer, &before).await, 401);
    assert_eq!(status(&layer, &after).await, 200);
    assert_eq!(status(&layer, &of_another).await, 200);
    list.update(|entries| {
        entries.revoke_all(Duration::from_secs(NOW));
        Ok::<_, std::convert::Infallible>(())
    })
    .unwrap();
    assert_eq!(status(&layer, &of_another).await, 401);
}

/// Two issuers need labels. The revocations from the time with one issuer stay in force.
#[tokio::test]
async fn an_entry_without_a_label_ends_tokens_of_an_issuer_that_got_one() {
    let list = RevokedTokens::new();
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()).label("corp");
    let verifier = Verifier::builder().issuer(issuer).clock(clock().shared());
    let layer = JwtLayer::builder(verifier.build().unwrap()).revocation_list(list.clone());
    let layer = layer.build().unwrap();
    let by_principal = sign(&good().claim("iat", NOW - 10));
    let by_id = sign(&good().claim("jti", "t-1"));
    assert_eq!(status(&layer, &by_principal).await, 200);
    list.revoke_principal("lin", Duration::from_secs(NOW), SOON)
        .unwrap();
    assert_eq!(status(&layer, &by_principal).await, 401);
    assert_eq!(status(&layer, &by_id).await, 200);
    list.revoke_token("t-1", SOON).unwrap();
    assert_eq!(status(&layer, &by_id).await, 401);
}

/// ECDSA signatures have a twin, which must not be another token.
#[tokio::test]
async fn a_token_without_a_name_is_revoked_by_what_was_signed() {
    let list = RevokedTokens::new();
    let verifier = builder(&hmac()).build().unwrap();
    let layer = JwtLayer::builder(verifier)
        .revocation_list(list.clone())
        .build()
        .unwrap();
    let header = crate::support::header().to_string();
    let token = hmac()
        .sign_raw(&header, &crate::support::claims().to_string())
        .unwrap();
    let (who, _) = crate::support::seen(&layer, crate::support::request(&token))
        .await
        .unwrap();
    let name = who.unwrap().credential().unwrap().to_owned();
    assert!(name.starts_with("sha256:"), "{name}");
    list.revoke_token(&name, SOON).unwrap();
    assert_eq!(status(&layer, &token).await, 401);
}

#[tokio::test]
async fn two_replicas_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.json");
    RevokedTokensFile::create(&path).unwrap();
    assert!(
        RevokedTokensFile::create(&path).is_err(),
        "it is not replaced"
    );
    let here = RevokedTokensFile::builder(&path)
        .unwatched()
        .open()
        .unwrap();
    let there = RevokedTokensFile::builder(&path)
        .unwatched()
        .open()
        .unwrap();
    let (one, other) = (layer(here.clone()), layer(there.clone()));
    let token = sign(&good().claim("jti", "t-1"));
    assert_eq!(
        (status(&one, &token).await, status(&other, &token).await),
        (200, 200)
    );
    here.update(|entries| entries.revoke_token("t-1", SOON))
        .unwrap();
    assert_eq!(status(&one, &token).await, 401, "at once");
    assert!(there.refresh().unwrap());
    assert_eq!(status(&other, &token).await, 401, "with the next look");
    // Two writers: neither loses the entry of the other.
    there
        .update(|entries| entries.revoke_token("t-2", SOON))
        .unwrap();
    here.refresh().unwrap();
    assert_eq!(here.known().len(), 2);
}

#[tokio::test]
async fn a_broken_list_keeps_what_it_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.json");
    RevokedTokensFile::create(&path).unwrap();
    let list = RevokedTokensFile::builder(&path)
        .unwatched()
        .open()
        .unwrap();
    list.update(|entries| entries.revoke_token("t-1", SOON))
        .unwrap();
    let layer = layer(list.clone());
    let token = sign(&good().claim("jti", "t-1"));
    for broken in ["", "{}", "[1]"] {
        fs::write(&path, broken).unwrap();
        list.refresh().unwrap_err();
        assert_eq!(status(&layer, &token).await, 401, "{broken:?}");
    }
    fs::remove_file(&path).unwrap();
    list.refresh().unwrap_err();
    assert_eq!(status(&layer, &token).await, 401);
    assert!(
        RevokedTokensFile::open(&path).is_err(),
        "no start without the list"
    );
}

#[tokio::test]
async fn an_unknown_list_refuses_every_token_with_503() {
    #[derive(Debug)]
    struct Away;
    impl RevocationList for Away {
        fn is_revoked(&self, _: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
            Err(ListUnavailable)
        }
    }
    let layer = layer(Away);
    let token = sign(&good());
    assert_eq!(status(&layer, &token).await, 503);
    assert_eq!(
        status(&layer, "a.b.c").await,
        401,
        "a guess learns nothing of the list"
    );
}
