//! The way to the server, encrypted.

use std::{fs, path::Path};

use palisade_core::Secret;
use palisade_rate_limit::{RedisStore, StoreProblem};
use rcgen::{CertificateParams, Issuer, KeyPair};

use super::{
    DEADLINE,
    server::{Server, free_port},
    stack, until,
};
use crate::support::*;

/// Writes an authority's certificate for `localhost` into a folder and returns the authority, as PEM.
fn certify(folder: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("leaf.pem"), leaf.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("root.pem"), root.pem()).unwrap();
    root.pem()
}

fn arguments(folder: &Path, port: u16) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let words = [
        ("--tls-port", port.to_string()),
        ("--tls-cert-file", file("leaf.pem")),
        ("--tls-key-file", file("key.pem")),
        ("--tls-ca-cert-file", file("root.pem")),
        ("--tls-auth-clients", "no".to_owned()),
    ];
    words
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked_over_tls_if_its_certificate_is_of_the_right_authority() {
    let (port, mut root) = (free_port(), String::new());
    let server = Server::start_with(|folder| {
        root = certify(folder);
        arguments(folder, port)
    });
    let Some(_server) = server.await else { return };
    let builder = || {
        RedisStore::builder(
            &format!("rediss://localhost:{port}/0"),
            Secret::new(super::HASH_KEY),
        )
        .deadline(DEADLINE)
    };
    let right = builder().root_certificate(root).connect().await.unwrap();
    until("the store is up", async || right.is_up()).await;
    let stack = stack(&right, [policy("a", "2/day")]);
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 2);

    let elsewhere = tempfile::tempdir().unwrap();
    let wrong = builder()
        .root_certificate(certify(elsewhere.path()))
        .connect()
        .await
        .unwrap();
    assert!(!wrong.is_up());
    assert_eq!(wrong.status().problem, Some(StoreProblem::Certificate));
    assert!(
        builder()
            .root_certificate("no certificate")
            .connect()
            .await
            .is_err()
    );
}
