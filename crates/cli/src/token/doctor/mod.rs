//! `palisade token doctor`: says why a service refuses the tokens of an issuer.
//!
//! It fetches what the service fetches, with the same code: metadata and keys, over https, without
//! redirects. `findings` compares it with this machine and with the configuration, `report` prints it.
//!
//! # Output
//!
//! Without `--json` one line a fact at standard output, then one line a finding. With `--json` one
//! object: `issuer`, `metadata`, `keys`, `skipped`, `clock_skew_seconds`, `sample`, `findings`. A
//! sample token is not repeated.
//!
//! # Exit codes
//!
//! 0 nothing found and the sample is accepted, 1 something was found, 2 an argument or a file is
//! wrong.

mod findings;
mod report;

use std::{
    fs,
    io::{self, BufRead as _},
    path::PathBuf,
};

use clap::Args;
use palisade_jwt::{Issuer, IssuerReport, JwksUrl, Verifier};
use tokio::runtime;

use self::report::Examined;
use crate::{
    failure::Failure,
    output,
    token_decision::{ConfiguredTokens, Decision, with_verifier},
};

const EXAMPLES: &str = "\
Nothing is sent but the requests for metadata and keys, and with --config what the service itself would send
to decide about the sample. Run it on the machine of the service: its network and its clock are what counts.

Examples:
  palisade token doctor https://login.example
  palisade token doctor https://login.example --audience tts --sample < token.txt
  palisade token doctor https://login.example --config gateway.toml --sample --json < token.txt

Exit codes: 0 nothing found, 1 something was found or the sample is refused, 2 nothing was decided.";

/// Examine an issuer: its metadata, its keys, its clock, and what becomes of a sample token
///
/// The metadata is that of OpenID Connect, or else that of OAuth (RFC 8414). Keys are listed with kid and
/// algorithm; those that are skipped with the reason. Codes of problems are those in the log of a service.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {
    /// The issuer, exactly as `iss` in its tokens
    #[arg(value_name = "URL")]
    issuer: String,
    /// The address of the key set, for an issuer without metadata
    #[arg(long, value_name = "URL")]
    jwks_url: Option<String>,
    /// The configuration of the service: is the issuer in it, and what does it decide about the sample
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The path of the request, with --config and several resources
    #[arg(long, requires = "config", value_name = "PATH")]
    path: Option<String>,
    /// The audience for the sample, without --config
    #[arg(long, conflicts_with = "config", value_name = "NAME")]
    audience: Option<String>,
    /// Reads a sample token from standard input, one line
    #[arg(long)]
    sample: bool,
    /// A file with the certificates (PEM) that authenticate the issuer; default: those of the machine
    #[arg(long, value_name = "FILE")]
    trust_anchors: Option<PathBuf>,
    /// Allows http to a loopback address, for development
    #[arg(long)]
    dangerously_allow_loopback_http: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Prints what the issuer publishes, and the findings. The result is "no" if there is one.
    ///
    /// # Errors
    ///
    /// Exit code 1: something was found, or the sample is refused. Exit code 2: an argument or a file is wrong.
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.sample && self.config.is_none() && self.audience.is_none() {
            return Err(Failure::new(
                "--sample needs --config FILE, or --audience NAME: the audience of the service",
            ));
        }
        let config = self.config.as_deref().map(ConfiguredTokens::read);
        let config = config.transpose()?;
        let report = self.probe_issuer()?;
        let findings = findings::findings_of(&self.issuer, &report, config.as_ref());
        let sample = match self.sample {
            true => Some(self.decide_token(&report, config.as_ref())?),
            false => None,
        };
        let examined = Examined {
            issuer: &self.issuer,
            report: &report,
            findings: &findings,
            sample: sample.as_ref(),
        };
        match self.json {
            true => {
                output::print_result(output::escape_json(&format!("{:#}", examined.to_json())))?
            }
            false => examined.print_report()?,
        }
        match findings.is_empty() && !matches!(sample, Some(Decision::Refused { .. })) {
            true => Ok(()),
            false => Err(Failure::No),
        }
    }

    /// Fetches what the issuer publishes. Metadata of OAuth is read if there is none of OpenID Connect.
    ///
    /// # Errors
    ///
    /// An argument cannot be used. That the issuer cannot be reached is a finding, and no error.
    fn probe_issuer(&self) -> Result<IssuerReport, Failure> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let first = runtime.block_on(self.source(false)?.probe());
        if self.jwks_url.is_some() || first.problem != Some("status") || first.metadata.is_some() {
            return Ok(first);
        }
        let oauth = runtime.block_on(self.source(true)?.probe());
        // Without either, the report of the usual address says more.
        Ok(if oauth.metadata.is_some() {
            oauth
        } else {
            first
        })
    }

    /// Makes the source of keys that a service would have.
    ///
    /// # Errors
    ///
    /// The address is none, or the file of certificates cannot be read.
    fn source(&self, oauth: bool) -> Result<JwksUrl, Failure> {
        let mut source = match &self.jwks_url {
            Some(url) => JwksUrl::builder(url),
            None => JwksUrl::discovery_builder(&self.issuer),
        };
        if oauth {
            source = source.oauth_metadata();
        }
        if self.dangerously_allow_loopback_http {
            source = source.dangerously_allow_loopback_http();
        }
        if let Some(file) = &self.trust_anchors {
            let pem = fs::read_to_string(file).map_err(|problem| {
                Failure::new(format_args!("cannot read {}: {problem}", file.display()))
            })?;
            source = source.trust_anchors(pem);
        }
        Ok(source.build()?)
    }

    /// Decides about the first line of standard input.
    ///
    /// # Errors
    ///
    /// Standard input cannot be read, or the configuration has a mistake.
    fn decide_token(
        &self,
        report: &IssuerReport,
        config: Option<&palisade::config::Config>,
    ) -> Result<Decision, Failure> {
        let mut line = Vec::new();
        io::stdin().lock().read_until(b'\n', &mut line)?;
        let token = line.trim_ascii();
        if let Some(config) = config {
            return Ok(ConfiguredTokens::open(config, self.path.as_deref())?.decide_on_token(token));
        }
        let Some(keys) = report.keys.clone() else {
            return Ok(Decision::as_refusal(
                "keys_unavailable",
                "the issuer has no keys",
            ));
        };
        let audience = self.audience.as_deref().unwrap_or_default();
        let issuer = Issuer::new(self.issuer.as_str(), audience, keys);
        let verifier = Verifier::builder().issuer(issuer).build()?;
        Ok(with_verifier(&verifier, token))
    }
}
