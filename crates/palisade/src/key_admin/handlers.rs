//! What the routes do.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use palisade_api_key::{KeyId, KeyRecord, MintedKey};
use palisade_core::{Fact, SecurityContext, extract::Refused};

use super::{
    KeyAdmin, KeyAdminError, KeyChange,
    document::{
        GrantDocument, KeyDocument, MintedDocument, PageDocument, PageQuery, RotationDocument,
    },
};

/// How many records a page has, and has at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;
/// The longest overlap of a rotation: 90 days.
const LONGEST_OVERLAP: u64 = 90 * 86_400;

/// Mints a key, stores its record and returns both.
pub(super) async fn mint(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    grant: Result<Json<GrantDocument>, JsonRejection>,
) -> Result<Response, Refused> {
    let minted = async {
        let Json(grant) = grant.map_err(malformed)?;
        if !admin.may_grant(grant.scopes.iter().map(String::as_str)) {
            return Err(KeyAdminError::NotGrantable);
        }
        let minted = admin.scheme.mint(grant.read()?, admin.now())?;
        admin.store.insert(minted.record().clone()).get().await?;
        Ok(minted)
    };
    let minted = minted.await.map_err(|error| refused(&cx, error))?;
    note(&cx, "key_minted", minted.record().id());
    Ok(shown_once(StatusCode::CREATED, &minted, admin.now()))
}

/// Returns a part of all records.
pub(super) async fn list(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<PageDocument>, Refused> {
    let page = async {
        let Query(query) = query.map_err(malformed)?;
        let after = query.after.as_deref().map(str::parse::<KeyId>);
        let after = after.transpose().map_err(malformed)?;
        let most = query.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
        let all = admin.store.list().get().await?;
        let start = match after {
            None => 0,
            Some(id) => 1 + position(&all, id)?,
        };
        let mut rest = all.iter().skip(start);
        let keys: Vec<_> = rest.by_ref().take(most).collect();
        let last = keys.last().map(|record| record.id().to_string());
        let now = admin.now();
        Ok(PageDocument {
            next: last.filter(|_| rest.next().is_some()),
            keys: keys
                .into_iter()
                .map(|record| KeyDocument::of(record, now))
                .collect(),
        })
    };
    page.await.map(Json).map_err(|error| refused(&cx, error))
}

/// Returns one record.
pub(super) async fn show(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    Path(id): Path<String>,
) -> Result<Json<KeyDocument>, Refused> {
    let found = admin.find(&id).await;
    found
        .map(|record| Json(KeyDocument::of(&record, admin.now())))
        .map_err(|error| refused(&cx, error))
}

/// Gives a key a new secret, and returns it.
pub(super) async fn rotate(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    Path(id): Path<String>,
    rotation: Result<Json<RotationDocument>, JsonRejection>,
) -> Result<Response, Refused> {
    let rotated = async {
        let Json(rotation) = rotation.map_err(malformed)?;
        if rotation.overlap_seconds > LONGEST_OVERLAP {
            return Err(KeyAdminError::Grant("the overlap is over 90 days".into()));
        }
        let overlap = Duration::from_secs(rotation.overlap_seconds);
        admin
            .rotate(id.parse().map_err(|_| KeyAdminError::Unknown)?, overlap)
            .await
    };
    let minted = rotated.await.map_err(|error| refused(&cx, error))?;
    note(&cx, "key_rotated", minted.record().id());
    Ok(shown_once(StatusCode::OK, &minted, admin.now()))
}

/// Revokes a key. Revoking it again changes nothing.
pub(super) async fn revoke(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    Path(id): Path<String>,
) -> Result<Json<KeyDocument>, Refused> {
    let now = admin.now();
    let revoke = move |record: &KeyRecord| Ok(record.clone().revoked(now));
    let changed = admin.change(&id, Box::new(revoke)).await;
    let record = changed.map_err(|error| refused(&cx, error))?;
    note(&cx, "key_revoked", record.id());
    Ok(Json(KeyDocument::of(&record, admin.now())))
}

/// Disables a key. Disabling it again changes nothing.
pub(super) async fn disable(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    Path(id): Path<String>,
) -> Result<Json<KeyDocument>, Refused> {
    let now = admin.now();
    let disable = move |record: &KeyRecord| Ok(record.clone().disabled(now));
    let changed = admin.change(&id, Box::new(disable)).await;
    let record = changed.map_err(|error| refused(&cx, error))?;
    note(&cx, "key_disabled", record.id());
    Ok(Json(KeyDocument::of(&record, admin.now())))
}

/// Enables a key that was disabled, if its scopes may be granted: its holder gets them back.
pub(super) async fn enable(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    Path(id): Path<String>,
) -> Result<Json<KeyDocument>, Refused> {
    let grants = admin.clone();
    let enable = move |record: &KeyRecord| {
        if !grants.may_grant(record.principal().scopes()) {
            return Err(KeyAdminError::NotGrantable);
        }
        match record.is_over(grants.now()) {
            true => Err(KeyAdminError::Over),
            false => Ok(record.clone().enabled()),
        }
    };
    let changed = admin.change(&id, Box::new(enable)).await;
    let record = changed.map_err(|error| refused(&cx, error))?;
    note(&cx, "key_enabled", record.id());
    Ok(Json(KeyDocument::of(&record, admin.now())))
}

impl KeyAdmin {
    fn now(&self) -> Duration {
        self.clock.unix_time()
    }

    /// Changes a record, and returns it.
    async fn change(&self, id: &str, change: KeyChange) -> Result<Arc<KeyRecord>, KeyAdminError> {
        let key = id.parse().map_err(|_| KeyAdminError::Unknown)?;
        self.store.change(key, change).get().await?;
        self.find(id).await
    }

    async fn find(&self, id: &str) -> Result<Arc<KeyRecord>, KeyAdminError> {
        let id = id.parse().map_err(|_| KeyAdminError::Unknown)?;
        let all = self.store.list().get().await?;
        let place = position(&all, id)?;
        all.into_iter().nth(place).ok_or(KeyAdminError::Unknown)
    }

    /// Rotates in one change of the store: of two rotations at once, both keep their order.
    async fn rotate(&self, id: KeyId, overlap: Duration) -> Result<MintedKey, KeyAdminError> {
        let made = Arc::new(Mutex::new(None));
        let (admin, last) = (self.clone(), Arc::clone(&made));
        let rotate = move |record: &KeyRecord| {
            // The new secret has the rights of the key, not those of the principal that asked for it.
            if !admin.may_grant(record.principal().scopes()) {
                return Err(KeyAdminError::NotGrantable);
            }
            let now = admin.now();
            let minted = admin.scheme.rotate(record, now + overlap, now)?;
            let record = minted.record().clone();
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(minted);
            Ok(record)
        };
        self.store.change(id, Box::new(rotate)).get().await?;
        let minted = made.lock().unwrap_or_else(PoisonError::into_inner).take();
        minted.ok_or(KeyAdminError::Unknown)
    }
}

fn position(all: &[Arc<KeyRecord>], id: KeyId) -> Result<usize, KeyAdminError> {
    let found = all.iter().position(|record| record.id() == id);
    found.ok_or(KeyAdminError::Unknown)
}

fn refused(cx: &SecurityContext, error: KeyAdminError) -> Refused {
    Refused::new(cx, error.into())
}

/// The text of the library may repeat the body, so only the kind of the mistake is kept.
fn malformed(_: impl std::error::Error) -> KeyAdminError {
    KeyAdminError::Grant("the request is malformed".to_owned())
}

fn note(cx: &SecurityContext, key: &'static str, id: KeyId) {
    let value = id.to_string().into();
    cx.record(Fact::Noted { key, value });
}

/// The only response that has a key: no cache may keep it.
fn shown_once(status: StatusCode, minted: &MintedKey, now: Duration) -> Response {
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, no_store, Json(MintedDocument::of(minted, now))).into_response()
}
