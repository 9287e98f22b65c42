//! The store and the subject that a command is about, from its arguments.
//!
//! Nothing is read from the configuration of the service: the command may run on another machine. So
//! each value that finds a bucket is an argument, and must be equal to that of the service.
//!
//! # What finds a bucket
//!
//! The prefix, the name of the limit, its window, and a keyed hash of the subject. The amount of a
//! rate is not part of it. A wrong value of one of them does not fail: it finds another bucket,
//! which is full.
//!
//! The connection uses TLS for `rediss://` and verifies the certificate. No option turns that off.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use palisade_core::Secret;
use palisade_rate_limit::{Policy, RateLimitLayer, RedisStore, Subject};

use crate::failure::Failure;

/// How long a reply may take. A service waits far less: only the user of the command waits here.
const DEADLINE: Duration = Duration::from_secs(5);

/// The shared store, the limits, and whose buckets are meant.
///
/// The settings must be those of the service. Otherwise other buckets are found, which are full.
#[derive(Args)]
pub(super) struct Target {
    #[command(flatten)]
    store: StoreArguments,
    /// A limit with its rates, as tts=10/minute or api=200/day;50/hour
    ///
    /// Several rates are separated by a semicolon; each has a bucket. May be given several times for
    /// several limits. The name and the windows must be those of the service, the amounts may differ.
    #[arg(long = "limit", value_name = "NAME=RATES", required = true)]
    limits: Vec<String>,
    #[command(flatten)]
    subject: SubjectArguments,
}

impl Target {
    /// Returns the limits as they are written.
    pub(super) fn limits(&self) -> &[String] {
        &self.limits
    }
}

/// The shared store, with the settings of the service.
#[derive(Args)]
pub(super) struct StoreArguments {
    #[command(flatten)]
    pub(super) address: AddressArguments,
    /// The file with the key for hashing, as in the configuration
    ///
    /// The store holds keyed hashes of addresses and principals, not the values. Without the key of the
    /// service no bucket can be found.
    #[arg(long, value_name = "FILE")]
    pub(super) hash_key: PathBuf,
    /// The prefix of all keys in the store
    ///
    /// Set it if several services share one store, as `prefix` of the configuration.
    #[arg(long, default_value = "palisade")]
    pub(super) prefix: String,
    /// The authority (PEM) that signed the server's certificate, for rediss://
    ///
    /// Default: the authorities that the operating system trusts.
    #[arg(long, value_name = "FILE")]
    pub(super) root_certificate: Option<PathBuf>,
}

/// The address of the store. Exactly one must be given.
///
/// A password in the address should come from a file that only its owner can read.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct AddressArguments {
    /// The address of the store, as in the configuration
    ///
    /// Such as redis://127.0.0.1:6379/2, or rediss:// for TLS. A password in it is shown in the list of
    /// processes: use --redis-file then.
    #[arg(long, value_name = "URL")]
    pub(super) redis: Option<String>,
    /// A file with the address: its password is then in no list of processes
    ///
    /// The file holds one address and nothing else. White space around it is ignored.
    #[arg(long, value_name = "FILE")]
    pub(super) redis_file: Option<PathBuf>,
}

/// Whose buckets are meant. Exactly one must be given.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct SubjectArguments {
    /// A client address
    ///
    /// For IPv6 the network of the client is looked up too, since one client has many addresses.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// A principal, as api_key:anna or jwt:https://issuer|anna
    ///
    /// Write it as the audit trail shows it: the kind of credential, a colon, and the id.
    #[arg(long, value_name = "KIND:ID")]
    principal: Option<String>,
    /// An owner (tenant)
    ///
    /// The buckets that all principals of this owner share.
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
}

/// A layer over the store, in place of the one in the service.
///
/// It charges nothing. It reads and resets the buckets that the service charges.
pub(super) struct Buckets {
    /// With the limits of the arguments, over the shared store.
    pub(super) layer: RateLimitLayer,
    /// Whose buckets `layer` is asked for.
    pub(super) subject: SubjectArgument,
    store: RedisStore,
}

impl Buckets {
    /// Waits until what the command charged has reached the store.
    ///
    /// # Errors
    ///
    /// It does not arrive within five seconds.
    pub(super) async fn settled(&self) -> Result<(), Failure> {
        let settled = tokio::time::timeout(DEADLINE, self.store.settled()).await;
        settled.map_err(|_| Failure::new("the store did not take the change in time; try again"))
    }
}

/// Whose buckets are meant.
///
/// clap guarantees that one of the three arguments was given. A principal and an owner are both named
/// subjects; an owner has the kind `owner`.
pub(super) enum SubjectArgument {
    /// An address of a client, limited before it is authenticated.
    Client(IpAddr),
    /// A principal or an owner.
    Named { kind: String, id: String },
}

impl SubjectArgument {
    /// Returns a principal or owner as the layer knows it. `None` for a client.
    pub(super) fn as_subject(&self) -> Option<Subject<'_>> {
        match self {
            Self::Client(_) => None,
            Self::Named { kind, id } => Some(Subject::Named {
                kind,
                id,
                group: None,
            }),
        }
    }
}

impl Target {
    /// Connects to the store.
    ///
    /// The limits are those of the arguments, without tiers: a tier with other amounts uses the same bucket.
    ///
    /// # Errors
    ///
    /// The store cannot be used now; the error has the reason.
    pub(super) async fn connect(self) -> Result<Buckets, Failure> {
        let subject = self.subject.given_subject()?;
        let mut builder = match subject {
            SubjectArgument::Client(_) => RateLimitLayer::by_client(),
            SubjectArgument::Named { .. } => RateLimitLayer::by_principal(),
        };
        for limit in &self.limits {
            builder = builder.policy(policy_of(limit)?);
        }
        let store = self.store.connect().await?;
        store.check().await?;
        let layer = builder.store(store.clone()).build()?;
        Ok(Buckets {
            layer,
            subject,
            store,
        })
    }
}

/// Returns the policy of a limit as it is written.
///
/// # Errors
///
/// It has no `=`, or its rates cannot be read.
pub(super) fn policy_of(limit: &str) -> Result<Policy, Failure> {
    let (name, rates) = limit.split_once('=').ok_or_else(|| {
        Failure::new(format_args!(
            "--limit {limit}: write NAME=RATES, as tts=10/minute"
        ))
    })?;
    Ok(Policy::named(name).rate(rates)?)
}

impl StoreArguments {
    /// Opens the store with the settings of the service.
    ///
    /// The key for hashing must be that of the service: buckets are found by a keyed hash of their
    /// subject, so another key finds none.
    ///
    /// # Errors
    ///
    /// The address, the key for hashing or the certificate cannot be used.
    pub(super) async fn connect(&self) -> Result<RedisStore, Failure> {
        let address = self.address.read()?;
        let hash_key = Secret::new(read(&self.hash_key)?);
        let mut builder = RedisStore::builder(&address, hash_key)
            .prefix(self.prefix.as_str())
            .deadline(DEADLINE)
            .local_buckets(1);
        if let Some(root) = &self.root_certificate {
            builder = builder.root_certificate(read(root)?);
        }
        Ok(builder.connect().await?)
    }
}

impl AddressArguments {
    /// Returns the address. The address itself is checked when it is opened.
    ///
    /// # Errors
    ///
    /// The file cannot be read. The address itself is checked when it is opened.
    fn read(&self) -> Result<String, Failure> {
        match (&self.redis, &self.redis_file) {
            (Some(address), _) => Ok(address.clone()),
            (None, Some(file)) => Ok(String::from_utf8_lossy(&read(file)?).trim().to_owned()),
            (None, None) => Err(Failure::new("give --redis or --redis-file")),
        }
    }
}

/// Reads a file.
///
/// The error names the file.
///
/// # Errors
///
/// Fails if the file cannot be read.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file)
        .map_err(|problem| Failure::new(format_args!("cannot read {}: {problem}", file.display())))
}

impl SubjectArguments {
    /// Reads the one that was given.
    ///
    /// The part before the first colon is the kind. The id may contain further colons, as those of tokens do.
    ///
    /// # Errors
    ///
    /// Fails if `--principal` has no colon.
    fn given_subject(&self) -> Result<SubjectArgument, Failure> {
        if let Some(client) = self.client {
            return Ok(SubjectArgument::Client(client));
        }
        let (kind, id) = match (&self.principal, &self.owner) {
            (None, Some(owner)) => ("owner", owner.as_str()),
            (principal, _) => {
                let principal = principal.as_deref().unwrap_or_default();
                principal
                    .split_once(':')
                    .ok_or_else(|| Failure::new("--principal: write KIND:ID, as api_key:anna"))?
            }
        };
        Ok(SubjectArgument::Named {
            kind: kind.to_owned(),
            id: id.to_owned(),
        })
    }
}
