//! `palisade limits top`: the buckets of a limit in Redis or Valkey that are used most.
//!
//! The store holds keyed hashes and no names. With `--subjects` the command hashes the names of a file, and shows
//! those that it finds.

use std::{collections::HashMap, fs, path::PathBuf};

use clap::Args;
use palisade_rate_limit::{
    LimitStore as _, MostUsed, RedisStore, StoreProblem, Subject, UsedBucket,
};
use serde_json::{Value, json};

use super::{
    show::whole_seconds,
    store::{StoreArguments, policy_of},
};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Name and rates must be those of the service. Looking charges nothing; the user of the store needs SCAN and MGET besides the
commands of a node. Of a cluster, ask each primary with its own redis:// address.

A line of the file with subjects is `client 203.0.113.7`, `principal api_key:anna` or `owner acme`.

Examples:
  palisade limits top --redis-file redis.url --hash-key limits.key --limit tts=100/day
  palisade limits top --redis-file redis.url --hash-key limits.key --limit tts=100/day --subjects customers.txt --most 50";

/// Shows which buckets of a limit are used most
///
/// The columns are: the subject, units that are used, units that are left, and the time until the bucket is full.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Top {
    #[command(flatten)]
    store: StoreArguments,
    /// The limit with its rates, as tts=10/minute
    ///
    /// Of several rates, each has a table of its own.
    #[arg(long, value_name = "NAME=RATES")]
    limit: String,
    /// A file with the subjects that may be shown by name, one in a line
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
    /// How many buckets to show
    #[arg(long, value_name = "COUNT", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=1000))]
    most: u16,
    /// Prints one JSON array
    ///
    /// Each element has the members limit, subject, used, remaining and full_seconds.
    #[arg(long)]
    json: bool,
}

impl Top {
    /// Prints one line a bucket.
    ///
    /// # Errors
    ///
    /// The store cannot be used, or a file cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let rows = runtime.block_on(self.rows())?;
        let text = match self.json {
            true => Value::from_iter(rows.iter().map(Row::document)).to_string(),
            false => table(&rows),
        };
        Ok(output::print_result(text)?)
    }

    /// Asks the store for each rate of the limit.
    ///
    /// # Errors
    ///
    /// The store cannot be used, or a file cannot be read.
    async fn rows(&self) -> Result<Vec<Row>, Failure> {
        let limits = policy_of(&self.limit)?.limits()?;
        let store = self.store.connect().await?;
        store.check().await?;
        let names = self.names(&store)?;
        let mut rows = Vec::new();
        for limit in &limits {
            let found = store.most_used(limit, self.most.into()).await;
            let MostUsed {
                buckets,
                is_complete,
                ..
            } = found.map_err(explain)?;
            if !is_complete {
                output::print_note(
                    "the store has more than a million buckets; the others were not looked at",
                );
            }
            rows.extend(
                buckets
                    .iter()
                    .map(|bucket| Row::of(limit.name(), limit.burst(), bucket, &names)),
            );
        }
        Ok(rows)
    }

    /// Hashes the names of the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line is no subject.
    fn names(&self, store: &RedisStore) -> Result<HashMap<u128, String>, Failure> {
        let Some(file) = &self.subjects else {
            return Ok(HashMap::new());
        };
        let text = fs::read_to_string(file).map_err(|problem| {
            Failure::new(format_args!("cannot read {}: {problem}", file.display()))
        })?;
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let name = |(index, line): (usize, &str)| {
            let hash = hash_of(store, line).ok_or_else(|| {
                let number = index + 1;
                Failure::new(format_args!(
                    "{}:{number}: write client ADDRESS, principal KIND:ID or owner ID",
                    file.display()
                ))
            })?;
            Ok((hash, line.to_owned()))
        };
        lines.map(name).collect()
    }
}

/// Returns the hash of a subject as it is written in a line. `None`: it is none.
fn hash_of(store: &RedisStore, line: &str) -> Option<u128> {
    let named = |kind, id| Subject::Named {
        kind,
        id,
        group: None,
    };
    let subject = match line.split_once(' ')? {
        ("client", ip) => Subject::network(ip.trim().parse().ok()?, 32, 64),
        ("owner", id) => named("owner", id.trim()),
        ("principal", principal) => {
            let (kind, id) = principal.trim().split_once(':')?;
            named(kind, id)
        }
        _ => return None,
    };
    Some(store.bucket_key(&subject).own())
}

/// Says of a cluster what to do.
fn explain(problem: StoreProblem) -> Failure {
    match problem {
        StoreProblem::Moved => Failure::new(
            "a cluster keeps buckets on several nodes; ask each primary with its own redis:// address",
        ),
        other => other.into(),
    }
}

/// One bucket.
struct Row {
    limit: String,
    subject: String,
    used: u64,
    remaining: u64,
    full_seconds: u64,
}

impl Row {
    fn of(limit: &str, burst: u32, bucket: &UsedBucket, names: &HashMap<u128, String>) -> Self {
        let hash = || format!("#{:032x}", bucket.subject);
        Self {
            limit: limit.to_owned(),
            subject: names.get(&bucket.subject).cloned().unwrap_or_else(hash),
            used: bucket.used,
            remaining: u64::from(burst).saturating_sub(bucket.used),
            full_seconds: whole_seconds(bucket.full),
        }
    }

    fn document(&self) -> Value {
        json!({
            "limit": self.limit,
            "subject": self.subject,
            "used": self.used,
            "remaining": self.remaining,
            "full_seconds": self.full_seconds,
        })
    }
}

/// Writes the buckets for people.
fn table(rows: &[Row]) -> String {
    let head = ["LIMIT", "SUBJECT", "USED", "LEFT", "FULL IN"].map(str::to_owned);
    let row = |row: &Row| {
        [
            row.limit.clone(),
            output::escape_control(&row.subject),
            row.used.to_string(),
            row.remaining.to_string(),
            format!("{} s", row.full_seconds),
        ]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows.iter().map(row)).collect();
    output::format_table(&rows)
}
