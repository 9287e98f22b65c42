//! `palisade limits budgets`: what is charged to budgets, from the file of a gateway or from Redis.
//!
//! The numbers are those by which requests are decided: settled units, and units that requests in progress
//! have reserved. A file has both as one number, since a restart charges what is reserved.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use palisade_internal::rfc3339;
use palisade_rate_limit::{
    BudgetKey, BudgetState, BudgetStore as _, CalendarPeriod, CalendarWindow, MemoryBudgets,
    RedisStore,
};
use serde_json::{Value, json};

use super::store::{AddressArguments, StoreArguments};
use crate::{failure::Failure, moment, output};

const EXAMPLES: &str = "\
A file lists all counters of windows that are not over. In Redis, name each budget with its window, and whom it counts: the
store holds hashes, so it cannot be listed. Money is in millionths.

Examples:
  palisade limits budgets --file budgets.log
  palisade limits budgets --redis redis://127.0.0.1:6379/2 --hash-key limits.key --budget team=month@Europe/Berlin --owner acme";

/// Shows what is charged to the budgets of a gateway
///
/// The columns are: the budget, what it counts by, whom, the window, settled units, reserved units, and
/// when the window ends (UTC). Looking changes nothing.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Budgets {
    /// The file of a gateway, `file` of its section [metering]
    ///
    /// The gateway may be running. What is reserved counts as settled here.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["redis", "redis_file"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    shared: SharedStore,
    /// A budget with its window, as team=month or team=day@Europe/Berlin
    ///
    /// The windows are minute, hour, day and month. Default of the time zone: UTC. May be given several
    /// times.
    #[arg(long = "budget", value_name = "NAME=WINDOW[@ZONE]")]
    budgets: Vec<String>,
    #[command(flatten)]
    subject: Subject,
    /// Prints one JSON array
    ///
    /// Each element has the members budget, by, whom, window, used, reserved and resets_at.
    #[arg(long)]
    json: bool,
}

/// The shared store, in place of a file.
///
/// They are those of the other commands, where they are required.
#[derive(Args)]
struct SharedStore {
    /// The address of the store, as in the configuration
    ///
    /// A password in it is shown in the list of processes: use --redis-file then.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "redis_file",
        requires = "hash_key"
    )]
    redis: Option<String>,
    /// A file with the address: its password is then in no list of processes
    #[arg(long, value_name = "FILE", requires = "hash_key")]
    redis_file: Option<PathBuf>,
    /// The file with the key for hashing, as in the configuration
    #[arg(long, value_name = "FILE")]
    hash_key: Option<PathBuf>,
    /// The prefix of all keys in the store
    #[arg(long, default_value = "palisade")]
    prefix: String,
    /// The authority (PEM) that signed the server's certificate, for rediss://
    #[arg(long, value_name = "FILE")]
    root_certificate: Option<PathBuf>,
}

impl SharedStore {
    /// Returns the arguments of a store. `None`: none is named.
    fn store_arguments(&self) -> Option<StoreArguments> {
        let Self {
            redis, redis_file, ..
        } = self;
        let is_named = redis.is_some() || redis_file.is_some();
        let hash_key = self.hash_key.clone().filter(|_| is_named)?;
        Some(StoreArguments {
            address: AddressArguments {
                redis: redis.clone(),
                redis_file: redis_file.clone(),
            },
            hash_key,
            prefix: self.prefix.clone(),
            root_certificate: self.root_certificate.clone(),
        })
    }
}

/// Whom the budgets count, in Redis. Default: everyone.
#[derive(Args)]
#[group(multiple = false)]
struct Subject {
    /// A principal, as api_key:anna, or guest
    #[arg(long, value_name = "KIND:ID")]
    principal: Option<String>,
    /// An owner (tenant)
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// An entry of the budget's models, as it is written
    #[arg(long, value_name = "PATTERN")]
    model: Option<String>,
    /// An upstream, by its addresses and path as `palisade gateway explain` shows them
    #[arg(long, value_name = "UPSTREAM")]
    upstream: Option<String>,
}

impl Subject {
    /// Returns what a budget counts by, and whom.
    fn kind_and_id(&self) -> (&'static str, &str) {
        let named = [
            ("principal", &self.principal),
            ("owner", &self.owner),
            ("model", &self.model),
            ("upstream", &self.upstream),
        ];
        let given = named
            .into_iter()
            .find_map(|(kind, id)| Some((kind, id.as_deref()?)));
        given.unwrap_or(("everyone", ""))
    }
}

impl Budgets {
    /// Prints one line a counter.
    ///
    /// # Errors
    ///
    /// The file or the store cannot be read, or a budget is not named as it must be.
    pub(super) fn run(self) -> Result<(), Failure> {
        let counters = match (&self.file, self.shared.store_arguments()) {
            (Some(file), _) => read_file(file)?,
            (None, Some(store)) => self.read_store(&store)?,
            (None, None) => return Err(Failure::new("give --file, --redis or --redis-file")),
        };
        let text = match self.json {
            true => Value::from_iter(counters.iter().map(counter_document)).to_string(),
            false => counter_table(&counters),
        };
        Ok(output::print_result(text)?)
    }

    fn read_store(&self, store: &StoreArguments) -> Result<Vec<Counter>, Failure> {
        if self.budgets.is_empty() {
            return Err(Failure::new("give --budget NAME=WINDOW, as team=month"));
        }
        let (kind, id) = self.subject.kind_and_id();
        let key = |budget: &String| {
            let (name, window) = parse_window(budget)?;
            Ok(BudgetKey::new(name, kind, id, window.around(moment::now())))
        };
        let keys = self.budgets.iter().map(key);
        let keys = keys.collect::<Result<Vec<BudgetKey>, Failure>>()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let store: RedisStore = store.connect().await?;
            store.check().await?;
            let states = store.read(keys.clone()).get().await?;
            Ok(keys.into_iter().zip(states).collect())
        })
    }
}

/// A counter and its numbers.
type Counter = (BudgetKey, BudgetState);

/// Reads the counters of windows that are not over.
///
/// # Errors
///
/// The file cannot be read or parsed.
fn read_file(file: &std::path::Path) -> Result<Vec<Counter>, Failure> {
    let now = moment::now().as_secs();
    let counters = MemoryBudgets::read_file(file)?;
    let is_current = |(key, _): &Counter| key.span().end() > now;
    Ok(counters.into_iter().filter(is_current).collect())
}

/// Reads a name and a window, as `team=day@Europe/Berlin`.
///
/// # Errors
///
/// It has another form, the window is unknown, or there is no such time zone.
fn parse_window(budget: &str) -> Result<(&str, CalendarWindow), Failure> {
    let wrong = || {
        Failure::new(format_args!(
            "--budget {budget}: write NAME=WINDOW, as team=month or team=day@Europe/Berlin"
        ))
    };
    let (name, window) = budget.split_once('=').ok_or_else(wrong)?;
    let (period, zone) = window.split_once('@').unwrap_or((window, "UTC"));
    let period = CalendarPeriod::named(period).ok_or_else(wrong)?;
    Ok((name, CalendarWindow::in_zone(period, zone)?))
}

/// Returns when the window of a counter ends, in RFC 3339.
fn window_end(key: &BudgetKey) -> String {
    rfc3339::write_seconds(Duration::from_secs(key.span().end()))
}

fn counter_document((key, state): &Counter) -> Value {
    json!({
        "budget": key.budget(),
        "by": key.kind(),
        "whom": key.id(),
        "window": key.span().period().name(),
        "used": state.used,
        "reserved": state.reserved,
        "resets_at": window_end(key),
    })
}

fn counter_table(counters: &[Counter]) -> String {
    let head = [
        "BUDGET",
        "BY",
        "WHOM",
        "WINDOW",
        "USED",
        "RESERVED",
        "RESETS AT",
    ];
    let row = |(key, state): &Counter| {
        [
            key.budget().to_owned(),
            key.kind().to_owned(),
            // A name may have characters that a terminal would obey.
            key.id().escape_debug().to_string(),
            key.span().period().name().to_owned(),
            state.used.to_string(),
            state.reserved.to_string(),
            window_end(key),
        ]
    };
    let rows: Vec<[String; 7]> = std::iter::once(head.map(str::to_owned))
        .chain(counters.iter().map(row))
        .collect();
    output::format_table(&rows)
}
