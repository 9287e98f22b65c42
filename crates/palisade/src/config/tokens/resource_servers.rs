//! `[[resource_servers]]`: the resources of the service, with the issuers of `[[tokens]]`.

use std::time::Duration;

use palisade_core::Scheme;
use palisade_jwt::{
    resource_server::{ResourceServer, ResourceServerBuilder},
    revocation::RevokedTokensFile,
};
use palisade_transport::AllowedHosts;

use crate::config::{
    Config, ConfigFileError,
    document::ResourceServers,
    tokens::{UsedProofs, issuer_keys::OpenedIssuer, proofs::ProofChoices},
};

/// What all resources of a file have.
struct SharedChoices<'a> {
    issuers: &'a [OpenedIssuer<'a>],
    clock_step: Option<Duration>,
    revoked: Option<RevokedTokensFile>,
    proofs: Option<ProofChoices>,
    used: &'a UsedProofs,
    /// Of the challenges.
    realm: Option<&'a String>,
}

impl Config {
    /// Makes all resources. They share the keys of the issuers; each accepts tokens for itself only.
    ///
    /// # Errors
    ///
    /// A resource is no `https` address of a host of this service, or is there twice.
    pub(in crate::config) fn resource_server(
        &self,
        issuers: &[OpenedIssuer<'_>],
        revoked: Option<RevokedTokensFile>,
        used: &UsedProofs,
    ) -> Result<ResourceServer, ConfigFileError> {
        let shared = SharedChoices {
            issuers,
            clock_step: self.clock_step()?,
            revoked,
            proofs: self.proof_choices()?,
            used,
            realm: self.token_realm()?,
        };
        self.refuse_origin_of_proofs()?;
        let mut joined: Option<ResourceServer> = None;
        for section in &self.document.resource_servers {
            let remedy = "correct this section, or the sections `tokens` and `dpop`";
            let fault = |problem| self.source.at(&section.resource, problem, remedy);
            let server = self.with_shared(of_section(section), &shared, section)?;
            let server = server.build().map_err(fault)?;
            self.refuse_unserved_host(section)?;
            joined = Some(match joined {
                None => server,
                Some(others) => others.and(server).map_err(fault)?,
            });
        }
        joined.ok_or_else(|| {
            let remedy = "add a section [[resource_servers]]";
            self.source.whole("there is no resource", remedy)
        })
    }

    /// Adds what all resources have.
    ///
    /// # Errors
    ///
    /// A scope is none, or proofs cannot be used.
    fn with_shared(
        &self,
        mut server: ResourceServerBuilder,
        shared: &SharedChoices<'_>,
        section: &ResourceServers,
    ) -> Result<ResourceServerBuilder, ConfigFileError> {
        for opened in shared.issuers {
            let audience = opened.section.audience.as_ref();
            let audience = audience.map_or(section.resource.get_ref(), |it| it.get_ref());
            server = server.authorization_server(self.issuer(opened, audience)?);
        }
        if let Some(step) = shared.clock_step {
            server = server.verifier(|verifier| verifier.max_clock_step(step));
        }
        if let Some(list) = shared.revoked.clone() {
            server = server.tokens(move |layer| layer.revocation_list(list.clone()));
        }
        if let Some(choices) = shared.proofs.clone() {
            let (used, name) = (shared.used.clone(), section.resource.get_ref().clone());
            server = server.dpop(move |proofs| choices.apply(proofs).memory(&used, name.as_str()));
        }
        if let Some(realm) = shared.realm {
            let realm = realm.clone();
            server = server.tokens(move |layer| layer.realm(realm.as_str()));
        }
        self.with_introspection(server, section)
    }

    /// Refuses `origin` of `[dpop]`: it would differ from that of a resource.
    fn refuse_origin_of_proofs(&self) -> Result<(), ConfigFileError> {
        let dpop = self.document.dpop.as_ref();
        let Some(origin) = dpop.and_then(|section| section.origin.as_ref()) else {
            return Ok(());
        };
        let problem = "the origin of proofs is that of the resource";
        let remedy = "remove this key, or [[resource_servers]]";
        Err(self.source.at(origin, problem, remedy))
    }

    /// Refuses a resource at a host that is not served: no client could reach it.
    fn refuse_unserved_host(&self, section: &ResourceServers) -> Result<(), ConfigFileError> {
        let hosts: AllowedHosts = self.allowed_hosts()?;
        let resource = section.resource.get_ref();
        let (scheme, rest) = match resource.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some((_, rest)) => (Scheme::Https, rest),
            None => (Scheme::Https, resource.as_str()),
        };
        let host = rest.split('/').next().unwrap_or_default();
        match hosts.allow(host, scheme) {
            true => Ok(()),
            false => {
                let problem = "the host of the resource is not served";
                let remedy = "add it to `hosts` of [server], with the same port";
                Err(self.source.at(&section.resource, problem, remedy))
            }
        }
    }
}

/// Passes the keys of one section to a builder.
fn of_section(section: &ResourceServers) -> ResourceServerBuilder {
    let mut server = ResourceServer::builder(section.resource.get_ref().as_str())
        .scopes(section.scopes.iter().map(String::as_str))
        .initial_scopes(section.initial_scopes.iter().map(String::as_str));
    for (broad, narrow) in &section.scope_implies {
        server = server.scope_implies(broad.as_str(), narrow.iter().map(String::as_str));
    }
    if let Some(name) = &section.name {
        server = server.name(name.as_str());
    }
    if let Some(url) = &section.documentation {
        server = server.documentation(url.as_str());
    }
    if section.dangerously_accept_other_audiences {
        server = server.dangerously_accept_other_audiences();
    }
    match section.dangerously_accept_plain_http {
        true => server.dangerously_accept_plain_http(),
        false => server,
    }
}
