//! The TOML form of key records.
//!
//! Reading is strict: unknown keys are errors with their line. Messages never show values, since
//! a key may have been pasted into the file by mistake.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use super::{KeyFileError, KeyFileProblem};
use crate::{
    key::KeyDigest,
    network::InvalidNetwork,
    record::{Grant, InvalidTimestamp, KeyRecord, Timestamp},
    store::KeyTable,
};

/// The version of the format. A file of another version is refused.
const VERSION: u32 = 1;
const HEADER: &str = "\
# API keys. Holds keyed digests: no key can be made from this file, and none put into it.
# Written by `palisade key`, which keeps everything but comments. Changes count within a second.

";

/// The whole file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: toml::Spanned<u32>,
    #[serde(default, rename = "key", skip_serializing_if = "Vec::is_empty")]
    keys: Vec<toml::Spanned<Entry>>,
}

/// One `[[key]]` table.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    environment: String,
    digest: String,
    created: Datetime,
    note: Option<String>,
    owner: Option<String>,
    tier: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
    not_before: Option<Datetime>,
    expires: Option<Datetime>,
    revoked: Option<Datetime>,
    disabled: Option<Datetime>,
    #[serde(default, skip_serializing_if = "is_false")]
    imported: bool,
    retired_until: Option<Datetime>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    previous: Option<Former>,
}

/// The secret before the last rotation.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Former {
    digest: String,
    until: Datetime,
}

/// Reads all records, or says what is wrong with the first bad one.
pub(super) fn read(path: &Path, text: &str) -> Result<KeyTable, KeyFileError> {
    let line = |at: Option<usize>| {
        at.and_then(|at| text.get(..at))
            .map(|before| before.matches('\n').count() + 1)
    };
    let document: Document = toml::from_str(text).map_err(|problem| {
        // The text of the error would repeat the line, which may have a key in it.
        KeyFileError::invalid_content(
            path,
            line(problem.span().map(|span| span.start)),
            KeyFileProblem::Syntax(without_values(problem.message()).into()),
        )
    })?;
    if *document.version.get_ref() != VERSION {
        let at = line(Some(document.version.span().start));
        return Err(KeyFileError::invalid_content(
            path,
            at,
            KeyFileProblem::Version { supported: VERSION },
        ));
    }
    let mut table = KeyTable::default();
    for entry in document.keys {
        let at = line(Some(entry.span().start));
        let record = entry
            .into_inner()
            .read()
            .map_err(|problem| KeyFileError::invalid_content(path, at, problem))?;
        table
            .insert(record)
            .map_err(|problem| KeyFileError::invalid_content(path, at, problem))?;
    }
    Ok(table)
}

/// Keeps the description of a TOML error, and redacts every word that is as long as a digest or a
/// key.
fn without_values(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = line.split_inclusive(|c| !part_of_word(c));
    let shown = words.map(|word| if word.len() > 32 { "[redacted]" } else { word });
    shown.collect()
}

/// Writes all records, oldest first.
pub(super) fn write(path: &Path, table: &KeyTable) -> Result<String, KeyFileError> {
    let keys = table.records();
    let keys: Result<_, _> = keys
        .iter()
        .map(|record| Entry::from_record(record))
        .collect();
    let keys: Vec<Entry> =
        keys.map_err(|problem| KeyFileError::invalid_content(path, None, problem))?;
    let document = Document {
        version: toml::Spanned::new(0..0, VERSION),
        keys: keys
            .into_iter()
            .map(|entry| toml::Spanned::new(0..0, entry))
            .collect(),
    };
    match toml::to_string(&document) {
        Ok(text) => Ok(format!("{HEADER}{text}")),
        Err(_) => Err(KeyFileError::invalid_content(
            path,
            None,
            KeyFileProblem::Unwritable,
        )),
    }
}

impl Entry {
    fn read(self) -> Result<KeyRecord, KeyFileProblem> {
        let grant = Grant {
            environment: self.environment.parse()?,
            expires: self.expires.map(read_timestamp).transpose()?,
            limits: self.limits,
            metadata: self.metadata,
            networks: self
                .networks
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, InvalidNetwork>>()?,
            not_before: self.not_before.map(read_timestamp).transpose()?,
            note: self.note,
            owner: self.owner,
            scopes: self.scopes,
            tier: self.tier,
        };
        let created = read_timestamp(self.created)?.unix();
        let record = KeyRecord::from_grant(
            self.id.parse()?,
            parse_digest(&self.digest)?,
            grant,
            created,
        );
        let mut record = record?;
        if let Some(former) = self.previous {
            record = record.with_previous(
                parse_digest(&former.digest)?,
                read_timestamp(former.until)?.unix(),
            );
        }
        if let Some(at) = self.revoked {
            record = record.revoked(read_timestamp(at)?.unix());
        }
        if let Some(at) = self.disabled {
            record = record.disabled(read_timestamp(at)?.unix());
        }
        if self.imported {
            record = record.imported();
        }
        if let Some(until) = self.retired_until {
            record = record.with_retired_until(read_timestamp(until)?.unix());
        }
        Ok(record)
    }

    fn from_record(record: &KeyRecord) -> Result<Self, KeyFileProblem> {
        let grant = record.grant().clone();
        let former = record.previous.as_ref().map(|previous| {
            let digest = previous.digest.to_text();
            to_datetime(previous.until).map(|until| Former { digest, until })
        });
        Ok(Self {
            id: record.id().to_string(),
            environment: grant.environment.to_string(),
            digest: record.digest().to_text(),
            created: to_datetime(record.created)?,
            note: grant.note,
            owner: grant.owner,
            tier: grant.tier,
            scopes: grant.scopes,
            networks: grant.networks.iter().map(ToString::to_string).collect(),
            not_before: grant.not_before.map(to_datetime).transpose()?,
            expires: grant.expires.map(to_datetime).transpose()?,
            revoked: record.revoked.map(to_datetime).transpose()?,
            disabled: record.disabled.map(to_datetime).transpose()?,
            imported: record.imported,
            retired_until: record.retired_until.map(to_datetime).transpose()?,
            limits: grant.limits,
            metadata: grant.metadata,
            previous: former.transpose()?,
        })
    }
}

/// Reads one record, as [`write_record`] wrote it. `None` for anything else.
#[cfg(feature = "redis")]
pub(in crate::store) fn read_record(text: &str) -> Option<KeyRecord> {
    let entry: Entry = toml::from_str(text).ok()?;
    entry.read().ok()
}

/// Writes one record. `None`: a time cannot be written.
#[cfg(feature = "redis")]
pub(in crate::store) fn write_record(record: &KeyRecord) -> Option<String> {
    toml::to_string(&Entry::from_record(record).ok()?).ok()
}

/// Tells serde which values are left out.
#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_false(value: &bool) -> bool {
    !value
}

fn parse_digest(text: &str) -> Result<KeyDigest, KeyFileProblem> {
    KeyDigest::from_text(text).ok_or(KeyFileProblem::Digest)
}

fn read_timestamp(written: Datetime) -> Result<Timestamp, InvalidTimestamp> {
    written.to_string().parse()
}

fn to_datetime(moment: Timestamp) -> Result<Datetime, KeyFileProblem> {
    let parsed = moment.to_string().parse();
    parsed.map_err(|_| KeyFileProblem::Unwritable)
}
