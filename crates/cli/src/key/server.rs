//! The server of `[keys.redis]`, from the arguments of a command.
//!
//! No secret is an argument: the list of processes and the history of a shell show arguments.

use std::{
    env,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use palisade_api_key::{RedisKeyStore, RedisKeyStoreBuilder};
use palisade_core::Secret;

use crate::{failure::Failure, moment::Span, secret_file};

/// How long a reply may take. A service waits far less: only the user of the command waits here.
const DEADLINE: Duration = Duration::from_secs(5);

/// The settings of a server, those of the service.
#[derive(Args)]
pub(super) struct ServerArguments {
    /// The file with the key that records are sealed with, with --redis
    ///
    /// `seal_key` of [keys.redis]. With another one no record can be opened.
    #[arg(long, value_name = "FILE")]
    seal_key: Option<PathBuf>,
    /// A file with the password of the server, with --redis
    ///
    /// Others must not read the file. A line end is left out.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// The environment variable that holds the password of the server, with --redis
    ///
    /// The name of the variable, not the password.
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// What the keys in the server begin with, with --redis [default: palisade-keys]
    ///
    /// `prefix` of [keys.redis].
    #[arg(long, value_name = "WORD")]
    redis_prefix: Option<String>,
    /// How many replicas must have a revocation before the command ends, with --redis
    ///
    /// Default: replicas are not waited for. If fewer have it in time, the command says so and ends with exit code 2; the
    /// change was made on the server. Run it again then.
    #[arg(long, value_name = "NUMBER")]
    replicas: Option<NonZeroU32>,
    /// How long to wait for the replicas, at most 10s
    #[arg(long, value_name = "SPAN", default_value = "5s", requires = "replicas")]
    replicas_within: Span,
}

impl ServerArguments {
    /// Refuses the settings of a server where keys are in a file.
    ///
    /// # Errors
    ///
    /// One is given.
    pub(super) fn refuse_for_files(&self) -> Result<(), Failure> {
        let given = [
            ("--seal-key", self.seal_key.is_some()),
            ("--password-file", self.password_file.is_some()),
            ("--password-env", self.password_env.is_some()),
            ("--redis-prefix", self.redis_prefix.is_some()),
            ("--replicas", self.replicas.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => Err(Failure::new(format_args!(
                "{name} is for keys in Redis: remove it, or give --redis in place of --store"
            ))),
        }
    }

    /// Makes the store of an address that was an argument. Opens no connection.
    ///
    /// # Errors
    ///
    /// The address has a password, or a setting cannot be used.
    pub(super) fn open(&self, address: &str) -> Result<RedisKeyStore, Failure> {
        if has_password(address) {
            return Err(Failure::new(
                "--redis: the address holds a password, which the list of processes shows; remove it, and give --password-file, --password-env or --redis-file",
            ));
        }
        self.build(address)
    }

    /// Makes the store of an address in a file. Opens no connection.
    ///
    /// # Errors
    ///
    /// The file cannot be read or others may read it, or a setting cannot be used.
    pub(super) fn open_file(&self, file: &Path) -> Result<RedisKeyStore, Failure> {
        let address = read(file)?;
        let address = String::from_utf8_lossy(address.expose());
        self.build(address.trim())
    }

    fn build(&self, address: &str) -> Result<RedisKeyStore, Failure> {
        let file = self.seal_key.as_deref();
        let file =
            file.ok_or_else(|| Failure::new("--redis needs --seal-key, as in [keys.redis]"))?;
        // As the service reads it.
        let seal = std::fs::read(file).map_err(|problem| {
            Failure::new(format_args!("cannot read {}: {problem}", file.display()))
        })?;
        let builder =
            RedisKeyStore::builder(address, Secret::new(seal.trim_ascii())).deadline(DEADLINE);
        Ok(self.with_options(builder)?.build()?)
    }

    fn with_options(
        &self,
        mut builder: RedisKeyStoreBuilder,
    ) -> Result<RedisKeyStoreBuilder, Failure> {
        if let Some(password) = self.password()? {
            builder = builder.password(password);
        }
        if let Some(prefix) = &self.redis_prefix {
            builder = builder.prefix(prefix.as_str());
        }
        if let Some(replicas) = self.replicas {
            builder = builder.revocation_replicas(replicas, self.replicas_within.0);
        }
        Ok(builder)
    }

    #[allow(clippy::disallowed_methods, reason = "the argument names the variable")]
    fn password(&self) -> Result<Option<Secret>, Failure> {
        if let Some(file) = &self.password_file {
            return read(file).map(Some);
        }
        let Some(name) = &self.password_env else {
            return Ok(None);
        };
        match env::var(name) {
            Ok(password) if !password.is_empty() => Ok(Some(Secret::new(password))),
            _ => Err(Failure::new(format_args!(
                "--password-env: the environment variable {name} is not set"
            ))),
        }
    }
}

/// Reads a secret, without white space at its end.
fn read(file: &Path) -> Result<Secret, Failure> {
    let secret = secret_file::read(file)?;
    secret.ok_or_else(|| Failure::new(format_args!("there is no file {}", file.display())))
}

/// Tells whether an address has a password: `redis://user:password@host`.
fn has_password(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    // A password may have a slash in it.
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_recognized() {
        for address in [
            "redis://:secret@10.0.0.5:6379/4",
            "rediss://keys:se/cret@host",
            "redis://keys:a@b@host/1",
            "keys:secret@host",
        ] {
            assert!(has_password(address), "{address}");
        }
        for address in [
            "redis://10.0.0.5:6379/4",
            "redis://keys@host:6379",
            "redis://[::1]:6379/0",
        ] {
            assert!(!has_password(address), "{address}");
        }
    }
}
