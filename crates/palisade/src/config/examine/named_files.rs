//! The files that a configuration names: can they be read, by whom, and are the secrets long enough?

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use palisade_internal::private_file;
use toml::Spanned;

use crate::{
    config::{Config, document::SecretSource},
    diagnostics::{self, Diagnostic},
    shield::Warning,
};

/// The fewest bytes of a secret. 16 random bytes cannot be guessed.
const SHORTEST_SECRET: usize = 16;
/// The bits of a mode that let others read or write.
const OTHERS: u32 = 0o077;

/// What a file that a configuration names should hold.
///
/// For programs with sections of their own:
///
/// ```
/// use palisade::config::FileContent;
///
/// let problem = FileContent::Secret.problem("no-such-file".as_ref()).expect("it is not there");
/// assert_eq!(problem.kind.name, "file-unreadable");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FileContent {
    /// Only the service may read it. Its format decides about its length.
    Private,
    /// Others may read it.
    Public,
    /// At least 16 random bytes that only the service may read.
    Secret,
}

/// Why a file cannot be used. Returned by [`FileContent::problem`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileProblem {
    /// `file-unreadable`, `secret-readable` or `secret-short`.
    pub kind: &'static Diagnostic,
    /// What is wrong, without the content of the file.
    pub text: String,
    /// What helps.
    pub remedy: &'static str,
}

impl FileContent {
    /// Opens a file and compares its mode and its length with what it should hold. `None`: it fits.
    #[must_use]
    pub fn problem(self, path: &Path) -> Option<FileProblem> {
        let found = |kind, text: String, remedy| Some(FileProblem { kind, text, remedy });
        let opened = match File::open(path) {
            Ok(opened) => opened,
            Err(problem) => {
                let remedy =
                    "make it, or give this user the right to read it and to enter its folders";
                return found(&diagnostics::FILE_UNREADABLE, problem.to_string(), remedy);
            }
        };
        if self == Self::Public {
            return None;
        }
        if private_file::others_may(&opened, OTHERS).unwrap_or(false) {
            let remedy = "set its mode to 0600; replace the secret if others were on this machine";
            let problem = "other users can read or change it".to_owned();
            return found(&diagnostics::SECRET_READABLE, problem, remedy);
        }
        let mut bytes = Vec::new();
        let limit = u64::try_from(SHORTEST_SECRET).unwrap_or(u64::MAX);
        let read = opened.take(limit).read_to_end(&mut bytes);
        let is_short = read.is_ok() && bytes.trim_ascii().len() < SHORTEST_SECRET;
        if self == Self::Secret && is_short {
            let remedy = "replace it by 32 random bytes: head -c 32 /dev/urandom | base64";
            let problem = format!("it has fewer than {SHORTEST_SECRET} bytes");
            return found(&diagnostics::SECRET_SHORT, problem, remedy);
        }
        None
    }
}

/// A path in the configuration.
struct NamedFile<'a> {
    written: &'a Spanned<PathBuf>,
    content: FileContent,
}

impl Config {
    /// Opens each file and looks at its mode. Returns one warning for each problem.
    pub(in crate::config) fn named_files(&self) -> Vec<Warning> {
        let files = self.files();
        files
            .iter()
            .filter_map(|file| self.file_problem(file))
            .collect()
    }

    /// The files of all sections that must exist before the start. Certificate files are opened apart,
    /// as a pair.
    fn files(&self) -> Vec<NamedFile<'_>> {
        let document = &self.document;
        let (keys, audit) = (document.keys.as_ref(), document.audit.as_ref());
        let acme = document.server.acme.as_ref();
        let revoked = document.revoked_tokens.as_ref();
        let redis = document.redis.as_ref();
        let named = [
            (
                keys.and_then(|keys| keys.file.as_ref()),
                FileContent::Private,
            ),
            (keys.map(|keys| &keys.pepper), FileContent::Secret),
            (document.server.key.as_ref(), FileContent::Private),
            (redis.map(|redis| &redis.hash_key), FileContent::Secret),
            (
                redis.and_then(|redis| redis.password_file.as_ref()),
                FileContent::Private,
            ),
            (
                redis.and_then(|redis| redis.sentinel_password_file.as_ref()),
                FileContent::Private,
            ),
            (
                redis.and_then(|redis| redis.root_certificate.as_ref()),
                FileContent::Public,
            ),
            (
                redis.and_then(|redis| redis.client_certificate.as_ref()),
                FileContent::Public,
            ),
            (
                redis.and_then(|redis| redis.client_key.as_ref()),
                FileContent::Private,
            ),
            (
                audit.and_then(|audit| audit.seal_key.as_ref()),
                FileContent::Secret,
            ),
            (
                audit.and_then(|audit| audit.evolving_key.as_ref()),
                FileContent::Private,
            ),
            (
                audit.and_then(|audit| audit.correlation_key.as_ref()),
                FileContent::Secret,
            ),
            (
                audit.and_then(|audit| audit.checkpoint_key.as_ref()),
                FileContent::Private,
            ),
            (revoked.map(|list| &list.file), FileContent::Public),
            (
                acme.and_then(|acme| acme.root.as_ref()),
                FileContent::Public,
            ),
            (
                acme.and_then(|acme| acme.eab_key_file.as_ref()),
                FileContent::Secret,
            ),
        ];
        let others = keys.into_iter().flat_map(|keys| &keys.other_peppers);
        let others = others.map(|file| (Some(file), FileContent::Secret));
        let session = document.session.as_ref();
        let session = session.and_then(|session| session.redis.as_ref());
        let session = [
            (session.map(|redis| &redis.seal_key), FileContent::Secret),
            (
                session.and_then(|redis| redis.password_file.as_ref()),
                FileContent::Private,
            ),
        ];
        let of_keys = keys.and_then(|keys| keys.redis.as_ref());
        let of_keys = [
            (of_keys.map(|redis| &redis.seal_key), FileContent::Secret),
            (
                of_keys.and_then(|redis| redis.password_file.as_ref()),
                FileContent::Private,
            ),
        ];
        let others = others.chain(session).chain(of_keys);
        let all = named.into_iter().chain(others).chain(self.token_files());
        let all = all.chain(self.sink_files());
        #[cfg(feature = "server")]
        let all = {
            let clients = self.client_auth_files().into_iter();
            all.chain(clients.map(|file| (Some(file), FileContent::Public)))
        };
        all.filter_map(|(written, content)| written.map(|written| NamedFile { written, content }))
            .collect()
    }

    /// The files of the sections about tokens.
    fn token_files(&self) -> Vec<(Option<&Spanned<PathBuf>>, FileContent)> {
        let document = &self.document;
        let nonces = document.dpop.as_ref();
        let nonces = nonces.and_then(|dpop| dpop.shared_nonces.as_ref());
        let mut files = vec![(file_of(nonces), FileContent::Secret)];
        if let Some(introspection) = &document.introspection {
            let credentials = [&introspection.secret, &introspection.bearer];
            files.extend(credentials.map(|it| (file_of(it.as_ref()), FileContent::Private)));
            files.push((introspection.trust_anchors.as_ref(), FileContent::Public));
        }
        let of_issuers = document.tokens.iter().flat_map(|issuer| {
            let files = [&issuer.jwks_file, &issuer.trust_anchors];
            files.map(|file| (file.as_ref(), FileContent::Public))
        });
        files.extend(of_issuers);
        files
    }

    /// The files of the sinks of the audit trail.
    fn sink_files(&self) -> Vec<(Option<&Spanned<PathBuf>>, FileContent)> {
        let Some(audit) = &self.document.audit else {
            return Vec::new();
        };
        let mut files = Vec::new();
        for sink in &audit.files {
            files.push((sink.seal_key.as_ref(), FileContent::Secret));
            files.push((sink.evolving_key.as_ref(), FileContent::Private));
            files.push((sink.checkpoint_key.as_ref(), FileContent::Private));
        }
        for sink in &audit.syslog {
            files.push((sink.trust_anchors.as_ref(), FileContent::Public));
            files.push((sink.client_certificate.as_ref(), FileContent::Public));
            files.push((sink.client_key.as_ref(), FileContent::Private));
        }
        for sink in &audit.otlp {
            files.push((sink.trust_anchors.as_ref(), FileContent::Public));
            files.push((sink.client_certificate.as_ref(), FileContent::Public));
            files.push((sink.client_key.as_ref(), FileContent::Private));
            files.push((file_of(sink.bearer.as_ref()), FileContent::Private));
            files.push((file_of(sink.url_from.as_ref()), FileContent::Private));
        }
        for sink in &audit.webhooks {
            files.push((sink.trust_anchors.as_ref(), FileContent::Public));
            files.push((sink.client_certificate.as_ref(), FileContent::Public));
            files.push((sink.client_key.as_ref(), FileContent::Private));
            files.push((file_of(sink.bearer.as_ref()), FileContent::Private));
            files.push((file_of(sink.signing_key.as_ref()), FileContent::Secret));
            files.push((file_of(sink.url_from.as_ref()), FileContent::Private));
        }
        files
    }

    fn file_problem(&self, file: &NamedFile<'_>) -> Option<Warning> {
        let path = self.path(file.written.get_ref());
        let problem = file.content.problem(&path)?;
        let error = self.source.at(file.written, problem.text, problem.remedy);
        Some(Warning::new(problem.kind, error.to_string()))
    }
}

/// Returns the file of a secret, if it is in one.
fn file_of(source: Option<&Spanned<SecretSource>>) -> Option<&Spanned<PathBuf>> {
    source?.get_ref().file.as_ref()
}
