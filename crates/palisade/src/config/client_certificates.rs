//! `[[client_certificates]]`: the authenticator of certificates of clients.

use palisade_internal::hex;
use palisade_transport::{CertificateGrant, ClientCertificateLayer, ClientCertificateLayerBuilder};
use toml::Spanned;

use crate::config::{Config, ConfigFileError, document::ClientCertificates};
use crate::shield::ShieldBuilder;

impl Config {
    /// Adds the authenticator, if the file has entries.
    ///
    /// # Errors
    ///
    /// An entry cannot be used, or two entries have one name.
    pub(in crate::config) fn client_certificates(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let entries = &self.document.client_certificates;
        let Some(first) = entries.first() else {
            return Ok(shield);
        };
        if !self.source.has(&["server", "client_auth"]) {
            let problem = "no client is asked for a certificate";
            let remedy = "add [server.client_auth], or remove these entries";
            return Err(self.source.at(&first.id, problem, remedy));
        }
        let mut layer = ClientCertificateLayer::builder();
        for entry in entries {
            layer = self.certificate_entry(layer, entry)?;
        }
        let layer = layer.build().map_err(|problem| {
            let remedy = "correct the sections `client_certificates`";
            self.source.at(&first.id, problem, remedy)
        })?;
        Ok(shield.authenticate(layer))
    }

    /// Adds one entry.
    ///
    /// # Errors
    ///
    /// The entry has no name or several, or one that no certificate can have.
    fn certificate_entry(
        &self,
        layer: ClientCertificateLayerBuilder,
        entry: &ClientCertificates,
    ) -> Result<ClientCertificateLayerBuilder, ConfigFileError> {
        let grant = grant_of(entry);
        let names = (
            &entry.uri,
            &entry.dns_name,
            &entry.email,
            &entry.subject,
            &entry.sha256,
        );
        Ok(match names {
            (Some(uri), None, None, None, None) => layer.uri(uri.as_str(), grant),
            (None, Some(name), None, None, None) => layer.dns_name(name, grant),
            (None, None, Some(email), None, None) => layer.email(email.as_str(), grant),
            (None, None, None, Some(subject), None) => layer.subject(subject.as_str(), grant),
            (None, None, None, None, Some(digest)) => layer.sha256(self.digest(digest)?, grant),
            _ => {
                let problem = "it needs one name of the certificate";
                let remedy = "write one of uri, dns_name, email, subject and sha256";
                return Err(self.source.at(&entry.id, problem, remedy));
            }
        })
    }

    /// Reads a digest in hexadecimal digits.
    ///
    /// # Errors
    ///
    /// It has not 64 hexadecimal digits.
    fn digest(&self, written: &Spanned<String>) -> Result<[u8; 32], ConfigFileError> {
        let digits = written.get_ref().replace(':', "");
        let mut digest = [0; 32];
        match hex::decode_any_case(&digits, &mut digest) {
            true => Ok(digest),
            false => {
                let problem = "it is no SHA-256";
                let remedy =
                    "write 64 hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 does";
                Err(self.source.at(written, problem, remedy))
            }
        }
    }
}

/// Returns what the holder of the certificate is and may do.
fn grant_of(entry: &ClientCertificates) -> CertificateGrant {
    let scopes = entry.scopes.iter().map(String::as_str);
    let mut grant = CertificateGrant::new(entry.id.get_ref().as_str()).scopes(scopes);
    if let Some(owner) = &entry.owner {
        grant = grant.owner(owner.as_str());
    }
    match &entry.tier {
        Some(tier) => grant.tier(tier.as_str()),
        None => grant,
    }
}
