//! `[session]`: sessions of browsers.

#[cfg(feature = "session")]
use palisade_session::{
    MemorySessionStore, SessionLayer, Sessions, SessionsBuildError, SessionsBuilder,
};
#[cfg(all(feature = "session", feature = "redis"))]
use {
    palisade_session::{RedisSessionStore, RedisSessionStoreBuildError},
    std::time::Duration,
};

use crate::config::{Config, ConfigFileError};
#[cfg(feature = "session")]
use crate::config::{
    audit::late_audit::LateAudit,
    document::{Session, SessionRedis},
    tokens::RevokedList,
    values::numbers::TimeUnit,
};
use crate::shield::ShieldBuilder;
#[cfg(feature = "session")]
use crate::{
    audit_events,
    session::{CredentialCheck, KeyCheck},
};
#[cfg(all(feature = "session", feature = "jwt"))]
use {crate::session::TokenCheck, palisade_jwt::revocation::RevokedTokens};

/// The largest `lifetime_minutes`: 90 days.
#[cfg(feature = "session")]
const LONGEST_LIFETIME: u64 = 90 * 24 * 60;
/// The largest `deadline_millis`.
#[cfg(all(feature = "session", feature = "redis"))]
const LONGEST_DEADLINE: u64 = 10_000;
/// The fewest bytes of `seal_key`.
#[cfg(all(feature = "session", feature = "redis"))]
const SHORTEST_SEAL_KEY: usize = 16;
/// The largest `max_sessions` and `max_per_principal`.
#[cfg(feature = "session")]
const MOST_SESSIONS: u64 = 10_000_000;
#[cfg(feature = "session")]
const MOST_PER_PRINCIPAL: u64 = 1000;

#[cfg(feature = "session")]
impl Config {
    /// Adds the authenticator of sessions, if the file has the section. Also returns the sessions, with
    /// which the application signs in and out. `running` are those of the stack that is replaced. A session ends
    /// with its key in `keys`, and with its token if `revoked` has it.
    ///
    /// # Errors
    ///
    /// A time or a number is out of range, or the name of the cookie cannot be one.
    pub(in crate::config) fn sessions(
        &self,
        shield: ShieldBuilder,
        keys: Option<KeyCheck>,
        revoked: RevokedList,
        running: Option<Sessions>,
        trail: &LateAudit,
    ) -> Result<(ShieldBuilder, Option<Sessions>), ConfigFileError> {
        let Some(section) = &self.document.session else {
            return Ok((shield, None));
        };
        let sessions = match running {
            Some(running) => running,
            None => self.new_sessions(section, trail)?,
        };
        let check = CredentialCheck::new();
        let check = match keys {
            Some(keys) => check.keys(keys),
            None => check,
        };
        #[cfg(feature = "jwt")]
        let check = check.tokens(self.token_check(revoked));
        #[cfg(not(feature = "jwt"))]
        let () = revoked;
        let layer = SessionLayer::builder(sessions.clone()).check(check);
        let layer = match section.without_csrf_token {
            true => layer.without_csrf_token(),
            false => layer,
        };
        let layer = match section.foreign_writes_as_guest {
            true => layer.foreign_writes_as_guest(),
            false => layer,
        };
        Ok((shield.authenticate(layer.build()), Some(sessions)))
    }

    /// Makes sessions, in memory or in Redis. Opens no connection.
    ///
    /// # Errors
    ///
    /// A time or a number is out of range, the name of the cookie cannot be one, or the store cannot be used.
    fn new_sessions(
        &self,
        section: &Session,
        trail: &LateAudit,
    ) -> Result<Sessions, ConfigFileError> {
        let most = self.number(&section.max_sessions, 1, MOST_SESSIONS)?;
        let per_owner = self.number(&section.max_per_principal, 1, MOST_PER_PRINCIPAL)?;
        let mut sessions = match &section.redis {
            Some(redis) => self.sessions_in_redis(redis, most, per_owner)?,
            None => {
                let mut store = MemorySessionStore::builder();
                if let Some(most) = most {
                    store = store.capacity(most);
                }
                if let Some(most) = per_owner {
                    store = store.per_owner(most);
                }
                Sessions::builder(store.build())
            }
        };
        let trail = trail.clone();
        sessions = sessions.on_ended(move |ended| trail.record(audit_events::of_sessions(ended)));
        let minutes = TimeUnit::Minutes;
        let lifetime = self.time(&section.lifetime_minutes, minutes, LONGEST_LIFETIME)?;
        if let Some(lifetime) = lifetime {
            sessions = sessions.lifetime(lifetime);
        }
        if let Some(idle) = self.time(&section.idle_minutes, minutes, LONGEST_LIFETIME)? {
            sessions = sessions.idle_timeout(idle);
        }
        if let Some(name) = &section.cookie_name {
            sessions = sessions.cookie_name(name.get_ref().as_str());
        }
        let sessions = match section.follow_links {
            true => sessions.follow_links(),
            false => sessions,
        };
        sessions
            .build()
            .map_err(|problem| self.session_error(&problem))
    }

    /// Makes the store of `[session.redis]`.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a value cannot be used.
    #[cfg(feature = "redis")]
    fn sessions_in_redis(
        &self,
        redis: &SessionRedis,
        most: Option<usize>,
        per_owner: Option<usize>,
    ) -> Result<SessionsBuilder, ConfigFileError> {
        let key = self.secret_file(&redis.seal_key, SHORTEST_SEAL_KEY)?;
        let mut store = RedisSessionStore::builder(redis.url.get_ref(), key);
        if let Some(file) = &redis.password_file {
            let remedy = "name a file that holds the password alone";
            store = store.password(self.password(file, remedy)?);
        }
        if let Some(prefix) = &redis.prefix {
            store = store.prefix(prefix.get_ref().as_str());
        }
        if let Some(millis) = self.number(&redis.deadline_millis, 1, LONGEST_DEADLINE)? {
            store = store.deadline(Duration::from_millis(millis));
        }
        if let Some(most) = most {
            store = store.capacity(most);
        }
        if let Some(most) = per_owner {
            store = store.per_owner(most);
        }
        let store = store.build().map_err(|problem| {
            let remedy = "correct the section [session.redis]";
            match (problem, &redis.prefix) {
                (RedisSessionStoreBuildError::Key, _) => {
                    self.source.at(&redis.seal_key, problem, remedy)
                }
                (RedisSessionStoreBuildError::Prefix, Some(prefix)) => {
                    self.source.at(prefix, problem, remedy)
                }
                _ => self.source.at(&redis.url, problem, remedy),
            }
        })?;
        Ok(Sessions::builder(store))
    }

    /// Refuses `[session.redis]`: this build has no such store.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(feature = "redis"))]
    fn sessions_in_redis(
        &self,
        redis: &SessionRedis,
        _: Option<usize>,
        _: Option<usize>,
    ) -> Result<SessionsBuilder, ConfigFileError> {
        let remedy = "build with the feature `redis`, or remove the table";
        let problem = "this build cannot keep sessions in Redis";
        Err(self.source.at(&redis.url, problem, remedy))
    }

    /// Makes the error about the key that the sessions refuse.
    fn session_error(&self, problem: &SessionsBuildError) -> ConfigFileError {
        let (key, remedy) = match problem {
            SessionsBuildError::CookieName(_) => {
                ("cookie_name", "write a name such as \"__Host-notes\"")
            }
            SessionsBuildError::IdleTimeout(_) => {
                ("idle_minutes", "write minutes from 1 to lifetime_minutes")
            }
            _ => ("lifetime_minutes", "write minutes from 1 to 129600"),
        };
        self.source
            .key_error("session", key, &problem.to_string(), remedy)
    }
}

#[cfg(all(feature = "session", feature = "jwt"))]
impl Config {
    /// Makes what ends sessions of signed tokens: the list of revoked ones, and the issuers that are not in the
    /// file any more. Sessions stay over a reload and, in Redis, over a restart.
    fn token_check(&self, revoked: RevokedList) -> TokenCheck {
        let check = match revoked {
            Some(list) => TokenCheck::new(list),
            None => TokenCheck::new(RevokedTokens::new()),
        };
        let issuers = self.document.tokens.iter();
        let labels: Option<Vec<&str>> = issuers.map(|issuer| issuer.label.as_deref()).collect();
        match labels {
            Some(labels) => check.labels(labels),
            // One issuer without a label: two would need labels.
            None => check,
        }
    }
}

#[cfg(not(feature = "session"))]
impl Config {
    /// Refuses the section: this build has no sessions.
    ///
    /// # Errors
    ///
    /// The file has the section.
    pub(in crate::config) fn sessions(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        match self.document.session {
            None => Ok(shield),
            Some(_) => {
                let problem = "this build has no sessions of browsers";
                let remedy = "build with the feature `session`, or remove the section";
                Err(self
                    .source
                    .key_error("session", "lifetime_minutes", problem, remedy))
            }
        }
    }
}
