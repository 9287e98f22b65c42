//! TLS to the server: its certificate, and that of the client.

use std::{fs, path::Path};

use palisade_core::Secret;
use palisade_rate_limit::{RedisStore, StoreProblem};
use rcgen::{CertificateParams, Issuer, KeyPair};

use super::{
    DEADLINE,
    server::{Server, free_port},
    stack, up,
};
use crate::support::*;

/// Writes an authority's certificate for this machine into a folder and returns the authority, as PEM.
pub(super) fn certify(folder: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = CertificateParams::new(names).unwrap();
    // With the name of the authority, the server would take it for one that signed itself.
    leaf.distinguished_name = rcgen::DistinguishedName::new();
    leaf.distinguished_name
        .push(rcgen::DnType::CommonName, "localhost");
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("leaf.pem"), leaf.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("root.pem"), root.pem()).unwrap();
    root.pem()
}

pub(super) fn arguments(folder: &Path, port: u16, clients: &str) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let words = [
        ("--tls-port", port.to_string()),
        ("--tls-cert-file", file("leaf.pem")),
        ("--tls-key-file", file("key.pem")),
        ("--tls-ca-cert-file", file("root.pem")),
        ("--tls-auth-clients", clients.to_owned()),
    ];
    words
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_used_over_tls_if_its_certificate_is_of_the_right_authority() {
    let (port, mut root) = (free_port(), String::new());
    let server = Server::start_with(|folder| {
        root = certify(folder);
        arguments(folder, port, "no")
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
    up(&right).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_demands_a_certificate_is_shown_one() {
    let (port, mut root) = (free_port(), String::new());
    let (mut leaf, mut key) = (Vec::new(), Vec::new());
    let server = Server::start_with(|folder| {
        root = certify(folder);
        leaf = fs::read(folder.join("leaf.pem")).unwrap();
        key = fs::read(folder.join("key.pem")).unwrap();
        arguments(folder, port, "yes")
    });
    let Some(_server) = server.await else { return };
    let builder = || {
        let url = format!("rediss://localhost:{port}/0");
        let builder = RedisStore::builder(&url, Secret::new(super::HASH_KEY));
        builder.deadline(DEADLINE).root_certificate(root.clone())
    };
    let with = builder().client_certificate(leaf.clone(), Secret::new(key.clone()));
    let store = with.connect().await.unwrap();
    up(&store).await;
    let without = builder().connect().await.unwrap();
    assert!(!without.is_up());
    let malformed = builder().client_certificate("no certificate", Secret::new(key));
    assert!(malformed.connect().await.is_err());
}
