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
        let record = minted.record().clone();
        let id = record.id();
        let store = Arc::clone(&admin.store);
        let insert = async move { store.insert(record).get().await };
        recorded(&cx, "key_minted", id, insert).await?;
        Ok(minted)
    };
    let minted = minted.await.map_err(|error| refused(&cx, error))?;
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
        let id = id.parse().map_err(|_| KeyAdminError::Unknown)?;
        let rotate = admin.clone().rotate(id, overlap);
        recorded(&cx, "key_rotated", id, rotate).await
    };
    let minted = rotated.await.map_err(|error| refused(&cx, error))?;
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
    admin
        .change(&cx, "key_revoked", &id, Box::new(revoke))
        .await
}

/// Disables a key. Disabling it again changes nothing.
pub(super) async fn disable(
    State(admin): State<KeyAdmin>,
    cx: SecurityContext,
    Path(id): Path<String>,
) -> Result<Json<KeyDocument>, Refused> {
    let now = admin.now();
    let disable = move |record: &KeyRecord| Ok(record.clone().disabled(now));
    admin
        .change(&cx, "key_disabled", &id, Box::new(disable))
        .await
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
    admin
        .change(&cx, "key_enabled", &id, Box::new(enable))
        .await
}

impl KeyAdmin {
    fn now(&self) -> Duration {
        self.clock.unix_time()
    }

    /// Changes a record, and returns it.
    async fn change(
        self,
        cx: &SecurityContext,
        done: &'static str,
        id: &str,
        change: KeyChange,
    ) -> Result<Json<KeyDocument>, Refused> {
        let now = self.now();
        let changed = async {
            let key = id.parse().map_err(|_| KeyAdminError::Unknown)?;
            let change =
                self.change_of(key, move |record| change(record).map(|it| (it.clone(), it)));
            recorded(cx, done, key, change).await
        };
        let record = changed.await.map_err(|error| refused(cx, error))?;
        Ok(Json(KeyDocument::of(&record, now)))
    }

    /// Changes a record in one step of the store, and returns what the function made beside it.
    async fn change_of<T: Send + 'static>(
        self,
        id: KeyId,
        change: impl Fn(&KeyRecord) -> Result<(KeyRecord, T), KeyAdminError> + Send + Sync + 'static,
    ) -> Result<T, KeyAdminError> {
        let made = Arc::new(Mutex::new(None));
        let last = Arc::clone(&made);
        let change = move |record: &KeyRecord| {
            let (record, beside) = change(record)?;
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(beside);
            Ok(record)
        };
        self.store.change(id, Box::new(change)).get().await?;
        let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
        made.ok_or(KeyAdminError::Unknown)
    }

    async fn find(&self, id: &str) -> Result<Arc<KeyRecord>, KeyAdminError> {
        let id = id.parse().map_err(|_| KeyAdminError::Unknown)?;
        let all = self.store.list().get().await?;
        let place = position(&all, id)?;
        all.into_iter().nth(place).ok_or(KeyAdminError::Unknown)
    }

    /// Rotates in one change of the store: of two rotations at once, both keep their order.
    async fn rotate(self, id: KeyId, overlap: Duration) -> Result<MintedKey, KeyAdminError> {
        let admin = self.clone();
        let rotate = move |record: &KeyRecord| {
            // The new secret has the rights of the key, not those of the principal that asked for it.
            if !admin.may_grant(record.principal().scopes()) {
                return Err(KeyAdminError::NotGrantable);
            }
            let now = admin.now();
            let minted = admin.scheme.rotate(record, now + overlap, now)?;
            Ok((minted.record().clone(), minted))
        };
        self.change_of(id, rotate).await
    }
}

/// Makes a change that the audit trail has in any case: its id is noted before it begins, and it is completed and
/// noted also if the client leaves meanwhile.
async fn recorded<T: Send + 'static>(
    cx: &SecurityContext,
    done: &'static str,
    id: KeyId,
    change: impl Future<Output = Result<T, KeyAdminError>> + Send + 'static,
) -> Result<T, KeyAdminError> {
    note(cx, "key_change", id);
    let cx = cx.clone();
    let completed = tokio::spawn(async move {
        let made = change.await?;
        note(&cx, done, id);
        Ok(made)
    });
    let interrupted = |_| KeyAdminError::Unavailable("the change was interrupted".into());
    completed.await.map_err(interrupted)?
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
