//! Which versions of TLS are accepted.
//!
//! Decides `no-tls`, `tls-failed`, `tls-old`, `tls13-missing` and `http2-missing`, and passes the
//! chain on to `certificate`. Three connections: TLS 1.0, TLS 1.1, and a current handshake.
//!
//! The two old versions are tried by hand, since no maintained library offers them. See
//! `client_hello`.

use std::time::Duration;

use aws_lc_rs::rand;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::certificate;
use crate::check::{
    client::{
        Client, Problem,
        client_hello::{ENOUGH, OldVersion, client_hello, server_accepts},
        tls::Offer,
    },
    outcome::Outcomes,
    rules::{Rule, transport::*},
    target::Target,
};

/// The rules that only make sense with TLS.
///
/// Without TLS, or if no handshake succeeds, they share one reason.
const OF_TLS: &[&Rule] = &[
    &TLS_FAILED,
    &TLS_OLD,
    &TLS_13_MISSING,
    &HTTP2_MISSING,
    &HSTS_MISSING,
    &HSTS_SHORT,
];

/// Decides the rules of TLS and of the certificate.
///
/// Returns whether the certificate would be accepted by a usual client, and why not.
///
/// Without TLS all rules of TLS and of the certificate are skipped, and `no-tls` is found.
///
/// # Errors
///
/// The error says why a usual client would not accept the certificate. It is a reason for the
/// report and ends nothing.
pub(super) async fn probe(
    client: &Client,
    target: &Target,
    now: Duration,
    outcomes: &mut Outcomes,
) -> Result<(), String> {
    if !target.tls {
        let why = "the address has no TLS";
        outcomes.record_finding(&NO_TLS, format!("{target} was answered in clear text"));
        outcomes.skip_all(OF_TLS, why);
        certificate::skip_certificate(outcomes, why);
        return Err(why.to_owned());
    }
    outcomes.record_pass(&NO_TLS);
    old_versions(client, target, outcomes).await;
    match client.handshake(target, Offer::Http2).await {
        Ok(handshake) => {
            outcomes.record_pass(&TLS_FAILED);
            let older = (!handshake.is_tls13).then_some("TLS 1.2 was chosen");
            outcomes.record_decision(&TLS_13_MISSING, older);
            let only_http1 = (!handshake.is_http2).then_some("ALPN chose HTTP/1.1");
            outcomes.record_decision(&HTTP2_MISSING, only_http1);
            certificate::probe(client, &handshake.chain, &target.host, now, outcomes)
        }
        Err(problem) => {
            if let Problem::Tls(_) = problem {
                outcomes.record_finding(&TLS_FAILED, &problem);
            }
            for rule in OF_TLS {
                outcomes.unless_decided(rule, &problem);
            }
            certificate::skip_certificate(outcomes, &problem);
            Err(problem.to_string())
        }
    }
}

/// One accepted version is enough for the finding; both are named if both are.
async fn old_versions(client: &Client, target: &Target, outcomes: &mut Outcomes) {
    for version in [OldVersion::Tls10, OldVersion::Tls11] {
        match offer_version(client, target, version).await {
            Ok(true) => {
                let seen = format!("{} was accepted", version.name());
                outcomes.record_finding(&TLS_OLD, seen);
            }
            Ok(false) => outcomes.record_pass(&TLS_OLD),
            Err(problem) => outcomes.record_skipped(&TLS_OLD, problem),
        }
    }
}

/// Sends the first message of an old version, and reads whether the server goes on with it.
///
/// A server that closes or stays silent does not accept it.
///
/// # Errors
///
/// Fails if the connection cannot be opened or the system has no random numbers. Silence after the
/// connection is "not accepted", not an error.
async fn offer_version(
    client: &Client,
    target: &Target,
    version: OldVersion,
) -> Result<bool, Problem> {
    let mut stream = client.connect(target.port).await?;
    let mut random = [0; 32];
    rand::fill(&mut random).map_err(|_| Problem::Tls("no random numbers".to_owned()))?;
    let exchange = async {
        let hello = client_hello(version, &target.host, random);
        stream.write_all(&hello).await.ok()?;
        let mut response = Vec::new();
        let mut buffer = [0; 64];
        while response.len() < ENOUGH {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => response.extend_from_slice(buffer.get(..read)?),
            }
            if let Some(accepted) = server_accepts(version, &response) {
                return Some(accepted);
            }
        }
        None
    };
    let accepted = timeout(client.request_timeout(), exchange).await;
    Ok(accepted.ok().flatten().unwrap_or(false))
}
