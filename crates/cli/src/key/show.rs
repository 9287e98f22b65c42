//! `palisade key show`: one key of a store.
//!
//! The members of `--json` are those of `palisade key list --json`. Without it, each is one line; those that are not set are
//! left out.
//!
//! Exit code 0, or 2 if there is no such key.

use clap::Args;
use palisade_api_key::KeyRecord;
use serde_json::Value;

use super::{list::key_document, name::id_in, store::Store};
use crate::{failure::Failure, moment::now, output};

const EXAMPLES: &str = "\
Neither the key nor its digest is shown.

Examples:
  palisade key show --store keys.toml 4fT0aXb93Kqz
  palisade key show --redis redis://10.0.0.5:6379/4 --seal-key keys.seal --json 4fT0aXb93Kqz";

/// Shows one key: its state, what it may do, and its own limits
///
/// A whole key that was found is accepted in place of its id.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    #[command(flatten)]
    store: Store,
    /// Prints one JSON object
    ///
    /// Times are RFC 3339 in UTC; a value that is not set is null.
    #[arg(long)]
    json: bool,
    /// The id of the key; a whole key that was found is accepted too
    ///
    /// The secret part of a whole key is ignored and not printed.
    #[arg(value_name = "ID")]
    key: String,
}

impl Show {
    /// Prints the record. The store is only read.
    ///
    /// # Errors
    ///
    /// There is no such key, or the store cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let id = id_in(&self.key)?;
        let record = self.store.open()?.get(id)?;
        match self.json {
            true => output::print_result(output::escape_json(&format!(
                "{:#}",
                key_document(&record, None, now())
            )))?,
            false => output::print_result(lines(&record))?,
        }
        Ok(())
    }
}

/// Returns a line for each value that is set.
fn lines(record: &KeyRecord) -> String {
    let document = key_document(record, None, now());
    let members = document.as_object().into_iter().flatten();
    let lines = members.filter_map(|(name, value)| {
        Some(format!(
            "{name}: {}",
            output::escape_control(&text_of(value)?)
        ))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a value as text. `None`: it is not set.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .filter_map(text_of)
            .collect::<Vec<_>>()
            .join(" "),
        Value::Object(members) => {
            let pair =
                |(name, value): (&String, &Value)| Some(format!("{name}={}", text_of(value)?));
            members
                .iter()
                .filter_map(pair)
                .collect::<Vec<_>>()
                .join(" ")
        }
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}
