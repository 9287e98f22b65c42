//! Where the records of API keys are: a TOML file, or Redis for a fleet.
//!
//! A file changes in one update, all of it or nothing. In Redis each key changes on its own: the ids are looked up first, and
//! the command says which keys it changed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use palisade_api_key::{
    FileKeyStore, KeyId, KeyRecord, MintedKey, RedisKeyError, RedisKeyStore, TableError,
};
use tokio::runtime::Runtime;

use super::{key_file, server::ServerArguments};
use crate::{failure::Failure, output};

/// Where the records are. Services use the same file or server.
#[derive(Args)]
pub(super) struct Store {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    server: ServerArguments,
}

/// A file or a server. Exactly one must be given.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The TOML file with the digests of all keys
    ///
    /// It holds no keys, so its reader cannot use one. Let only its owner write it. It is replaced in one step, so a service
    /// never reads half of a change.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The address of the server that keeps the keys of a fleet, as in [keys.redis]
    ///
    /// Such as redis://10.0.0.5:6379/4, or rediss:// for TLS. It must hold no password, since the list of processes shows
    /// it: see --password-file and --password-env. Needs --seal-key.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// A file with the address, which may hold the password
    ///
    /// The file holds one address and nothing else. White space around it is ignored. Others must not read it.
    #[arg(long, value_name = "FILE")]
    redis_file: Option<PathBuf>,
}

/// The records of a store that was opened.
pub(super) enum KeyRecords {
    File(FileKeyStore),
    Fleet(FleetKeys),
}

/// The records in a server. The commands wait for each reply.
pub(super) struct FleetKeys {
    store: RedisKeyStore,
    runtime: Runtime,
}

impl Store {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// The file does not exist or cannot be parsed, or a setting of the server cannot be used. The server itself is not
    /// asked yet.
    pub(super) fn open(&self) -> Result<KeyRecords, Failure> {
        match &self.place.store {
            Some(file) => {
                self.server.refuse_for_files()?;
                key_file::open(file).map(KeyRecords::File)
            }
            None => self.open_server(),
        }
    }

    /// Opens the store, or creates an empty file.
    ///
    /// Only `key new` and `key import` create it. For the other commands a missing store is a typing error.
    ///
    /// # Errors
    ///
    /// The store cannot be created or parsed.
    pub(super) fn open_or_create(&self) -> Result<KeyRecords, Failure> {
        if let Some(file) = &self.place.store {
            key_file::create_missing(file)?;
        }
        self.open()
    }

    /// Returns what a message calls the store. An address is left out: it may hold a password.
    pub(super) fn name(&self) -> String {
        match &self.place.store {
            Some(file) => file.display().to_string(),
            None => "the server".to_owned(),
        }
    }

    fn open_server(&self) -> Result<KeyRecords, Failure> {
        let store = match (&self.place.redis, &self.place.redis_file) {
            (Some(address), _) => self.server.open(address)?,
            (None, Some(file)) => self.server.open_file(file)?,
            (None, None) => return Err(Failure::new("give --store, --redis or --redis-file")),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(KeyRecords::Fleet(FleetKeys { store, runtime }))
    }
}

impl KeyRecords {
    /// Returns all records, the oldest first. Records of a server that cannot be opened are named on standard error.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or none of its records can be opened.
    pub(super) fn all(&self) -> Result<Vec<Arc<KeyRecord>>, Failure> {
        match self {
            Self::File(store) => Ok(store.table().records()),
            Self::Fleet(fleet) => fleet.all(),
        }
    }

    /// Returns one record.
    ///
    /// # Errors
    ///
    /// There is none of this id, or the server cannot be asked.
    pub(super) fn get(&self, id: KeyId) -> Result<Arc<KeyRecord>, Failure> {
        match self {
            Self::File(store) => {
                let all = store.table().records();
                let found = all.into_iter().find(|record| record.id() == id);
                found.ok_or_else(|| TableError::Unknown(id).into())
            }
            Self::Fleet(fleet) => fleet.get(id).map(Arc::new),
        }
    }

    /// Adds records: to a file all of them or none, to a server one after the other.
    ///
    /// # Errors
    ///
    /// A key is there already, or the store cannot be written. In a server the keys before are stored.
    pub(super) fn insert(&self, records: &[KeyRecord]) -> Result<(), Failure> {
        match self {
            Self::File(store) => {
                let insert = |table: &mut palisade_api_key::KeyTable| {
                    let mut all = records.iter().cloned();
                    all.try_for_each(|record| table.insert(record))
                };
                Ok(store.update(insert)?)
            }
            Self::Fleet(FleetKeys { store, runtime }) => {
                for record in records {
                    runtime.block_on(store.insert(record))?;
                }
                Ok(())
            }
        }
    }

    /// Removes a record that was just added.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub(super) fn take_back(&self, id: KeyId) -> Result<(), Failure> {
        match self {
            Self::File(store) => Ok(store.update(|table| {
                table.remove(id);
                Ok::<_, TableError>(())
            })?),
            Self::Fleet(FleetKeys { store, runtime }) => {
                runtime.block_on(store.remove(id)).map(drop)?;
                Ok(())
            }
        }
    }

    /// Changes keys, and says `done ID` for each. A file is changed as a whole or not at all. In a server nothing is
    /// changed if an id is unknown.
    ///
    /// # Errors
    ///
    /// A key does not exist, the change is refused, or the store cannot be written.
    pub(super) fn change(
        &self,
        ids: &[KeyId],
        done: &str,
        change: impl Fn(&KeyRecord) -> Result<KeyRecord, TableError>,
    ) -> Result<(), Failure> {
        match self {
            Self::File(store) => store.try_update(|table| {
                let mut ids = ids.iter();
                ids.try_for_each(|id| table.change(*id, &change))?;
                Ok::<_, Failure>(())
            })?,
            Self::Fleet(fleet) => return fleet.change(ids, done, change),
        }
        print_changed(done, ids);
        Ok(())
    }

    /// Revokes keys, and all of an owner. Says `revoked ID` for each.
    ///
    /// # Errors
    ///
    /// As [`change`](Self::change), or the owner has no key.
    pub(super) fn revoke(
        &self,
        ids: &[KeyId],
        owner: Option<&str>,
        now: Duration,
    ) -> Result<(), Failure> {
        match self {
            Self::File(store) => {
                let mut revoked = ids.to_vec();
                store.try_update(|table| {
                    // All or none: a typing error in one id must not go unnoticed.
                    ids.iter().try_for_each(|id| table.revoke(*id, now))?;
                    let theirs = owner.map(|owner| table.revoke_owner(owner, now));
                    revoked.extend(theirs.unwrap_or_default());
                    refuse_none(&revoked)
                })?;
                print_changed("revoked", &revoked);
                Ok(())
            }
            Self::Fleet(fleet) => {
                fleet.change(ids, "revoked", |record| Ok(record.clone().revoked(now)))?;
                let Some(owner) = owner else { return Ok(()) };
                let revoked = fleet.store.revoke_owner(owner, now);
                let revoked = fleet.runtime.block_on(revoked)?;
                print_changed("revoked", &revoked);
                if ids.is_empty() {
                    refuse_none(&revoked)?;
                }
                Ok(())
            }
        }
    }

    /// Gives a key a new secret. `mint` prints it: it is stored afterwards, since a stored key that was not printed would be
    /// lost.
    ///
    /// # Errors
    ///
    /// The key does not exist, was changed meanwhile, or cannot be printed, or the store cannot be written.
    pub(super) fn rotate(
        &self,
        id: KeyId,
        mint: impl Fn(&KeyRecord) -> Result<MintedKey, Failure>,
    ) -> Result<MintedKey, Failure> {
        match self {
            Self::File(store) => store.try_update(|table| {
                let record = table.get(id).ok_or(TableError::Unknown(id))?;
                let minted = mint(record)?;
                table.replace(minted.record().clone())?;
                Ok::<_, Failure>(minted)
            }),
            Self::Fleet(fleet) => {
                let before = fleet.get(id)?;
                let minted = mint(&before)?;
                let replacing = fleet.store.replace(&before, minted.record());
                fleet.runtime.block_on(replacing)?;
                Ok(minted)
            }
        }
    }
}

impl FleetKeys {
    fn all(&self) -> Result<Vec<Arc<KeyRecord>>, Failure> {
        let listed = self.runtime.block_on(self.store.list_with_unreadable());
        let (records, unreadable) = listed?;
        for id in &unreadable {
            output::print_note(format_args!(
                "{id} cannot be opened: it was changed in the server, or sealed with another --seal-key"
            ));
        }
        match records.is_empty() && !unreadable.is_empty() {
            true => Err(Failure::new(
                "no record can be opened: --seal-key is not that of the fleet",
            )),
            false => Ok(records.into_iter().map(Arc::new).collect()),
        }
    }

    fn get(&self, id: KeyId) -> Result<KeyRecord, Failure> {
        let found = self.runtime.block_on(self.store.get(id))?;
        found.ok_or_else(|| TableError::Unknown(id).into())
    }

    /// Changes keys one after the other. A change that too few replicas confirmed does not stop the others.
    fn change(
        &self,
        ids: &[KeyId],
        done: &str,
        change: impl Fn(&KeyRecord) -> Result<KeyRecord, TableError>,
    ) -> Result<(), Failure> {
        // Before anything is changed: a typing error in one id must not go unnoticed.
        for id in ids {
            change(&self.get(*id)?)?;
        }
        let mut outcome = Ok(());
        for id in ids {
            let changed = |record: &KeyRecord| change(record).map_err(RedisKeyError::from);
            match self.runtime.block_on(self.store.update(*id, changed)) {
                Ok(()) => print_changed(done, &[*id]),
                Err(problem @ RedisKeyError::Unconfirmed { .. }) => {
                    print_changed(done, &[*id]);
                    outcome = Err(Failure::from(problem));
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        outcome
    }
}

/// # Errors
///
/// No key was revoked: the owner has none.
fn refuse_none(revoked: &[KeyId]) -> Result<(), Failure> {
    match revoked.is_empty() {
        true => Err(Failure::new("this owner has no keys")),
        false => Ok(()),
    }
}

fn print_changed(done: &str, ids: &[KeyId]) {
    for id in ids {
        output::print_note(format_args!("{done} {id}"));
    }
}
