//! `palisade key list`: the keys of a store, as a table or as JSON.
//!
//! Secrets are not in the store, so they cannot be listed.
//!
//! | member of `--json` | column | null if |
//! |---|---|---|
//! | `id`, `environment`, `status`, `created` | the same | never |
//! | `expires` | EXPIRES | the key never expires |
//! | `not_before`, `revoked`, `disabled`, `old_secret_until` | none | not set |
//! | `imported` | none | never |
//! | `limits`, `metadata` | none | never; may be empty |
//! | `owner`, `tier`, `note` | the same | not set |
//! | `pepper` | PEPPER, with `--pepper` | without `--pepper` |
//! | `scopes`, `networks` | SCOPES, none | never; may be empty |
//!
//! Exit code 0, also for a store without keys.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use palisade_api_key::{KeyFormat, KeyRecord, KeyScheme, Timestamp};
use serde_json::{Value, json};

use super::store::Store;
use crate::{failure::Failure, key_scheme::scheme_of, moment::now, output};

const EXAMPLES: &str = "\
Neither keys nor digests are shown.

Examples:
  palisade key list --store keys.toml
  palisade key list --redis redis://10.0.0.5:6379/4 --seal-key keys.seal --password-file redis.password
  palisade key list --store keys.toml --json | jq '.[] | select(.status == \"active\") | .id'";

/// Lists all keys, oldest first
///
/// The states are active, rotating (the old secret is still accepted), not yet, disabled, expired and revoked.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    store: Store,
    /// Prints one JSON array
    ///
    /// Times are RFC 3339 in UTC; a value that is not set is null.
    #[arg(long)]
    json: bool,
    /// The file of the current pepper: shows which keys are still under another one
    ///
    /// `current` or `other`. While a pepper is being replaced: the other one is not needed any more when no
    /// key is under it.
    #[arg(long, value_name = "FILE")]
    pepper: Option<PathBuf>,
    /// The prefix of all keys, for --pepper
    ///
    /// As the service is configured.
    #[arg(long, default_value = "psk", value_parser = KeyFormat::with_prefix, value_name = "WORD")]
    prefix: KeyFormat,
}

impl List {
    /// Prints a table, or with `--json` one array. The store is only read.
    ///
    /// # Errors
    ///
    /// The store or the pepper cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let now = now();
        let scheme = self
            .pepper
            .as_deref()
            .map(|pepper| scheme_of(self.prefix, pepper, &[]));
        let scheme = scheme.transpose()?;
        let records = self.store.open()?.all()?;
        if self.json {
            let all: Vec<Value> = records
                .iter()
                .map(|record| key_document(record, scheme.as_ref(), now))
                .collect();
            let all = format!("{:#}", Value::Array(all));
            return Ok(output::print_result(output::escape_json(&all))?);
        }
        let mut rows = vec![
            [
                "ID", "ENV", "STATUS", "CREATED", "EXPIRES", "OWNER", "TIER", "SCOPES", "NOTE",
            ]
            .map(String::from),
        ];
        rows.extend(records.iter().map(|record| key_columns(record, now)));
        let Some(scheme) = &scheme else {
            return Ok(output::print_result(output::format_table(&rows))?);
        };
        let peppers = records.iter().map(|record| pepper_of(record, scheme));
        let peppers = std::iter::once("PEPPER").chain(peppers);
        let rows: Vec<[String; 10]> = rows
            .into_iter()
            .zip(peppers)
            .map(
                |([id, env, status, created, expires, owner, tier, scopes, note], pepper)| {
                    [
                        id,
                        env,
                        status,
                        created,
                        expires,
                        pepper.to_owned(),
                        owner,
                        tier,
                        scopes,
                        note,
                    ]
                },
            )
            .collect();
        Ok(output::print_result(output::format_table(&rows))?)
    }
}

/// Returns whether a key is under the current pepper.
fn pepper_of(record: &KeyRecord, scheme: &KeyScheme) -> &'static str {
    match scheme.made_with_current_pepper(record) {
        true => "current",
        false => "other",
    }
}

/// Returns the columns of a key; `-` for a value that is not set.
///
/// Names in it may come from a page of administration. They must not reverse a line or hide a part of it.
fn key_columns(record: &KeyRecord, now: Duration) -> [String; 9] {
    let who = record.principal();
    let text = |text: Option<&str>| output::escape_control(text.unwrap_or("-"));
    let scopes = who.scopes().collect::<Vec<_>>().join(" ");
    [
        record.id().to_string(),
        record.environment().to_string(),
        record.status(now).to_owned(),
        format_date(record.created()),
        record
            .expires()
            .map_or_else(|| "never".to_owned(), format_date),
        text(who.owner()),
        text(who.tier()),
        text(Some(scopes.as_str()).filter(|scopes| !scopes.is_empty())),
        text(record.note()),
    ]
}

/// Returns a key as JSON. Digests are left out.
///
/// The members are those of the table, with the times and networks that have no column.
pub(super) fn key_document(record: &KeyRecord, scheme: Option<&KeyScheme>, now: Duration) -> Value {
    let who = record.principal();
    json!({
        "id": record.id().as_str(),
        "environment": record.environment().as_str(),
        "status": record.status(now),
        "created": format_date(record.created()),
        "not_before": record.not_before().map(format_date),
        "expires": record.expires().map(format_date),
        "revoked": record.revoked_at().map(format_date),
        "disabled": record.disabled_at().map(format_date),
        "imported": record.is_imported(),
        "old_secret_until": record.previous().map(|(_, until)| format_date(until)),
        "owner": who.owner(),
        "tier": who.tier(),
        "scopes": who.scopes().collect::<Vec<_>>(),
        "networks": record.networks().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "note": record.note(),
        "limits": record.limits().collect::<std::collections::BTreeMap<_, _>>(),
        "metadata": record.metadata().collect::<std::collections::BTreeMap<_, _>>(),
        "pepper": scheme.map(|scheme| pepper_of(record, scheme)),
    })
}

/// Formats a time since the Unix epoch as RFC 3339 in UTC.
///
/// So that times of several machines can be compared.
fn format_date(moment: Duration) -> String {
    Timestamp::from_unix(moment).to_string()
}
