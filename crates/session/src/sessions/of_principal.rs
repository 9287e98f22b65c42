//! The sessions of a principal: lists them, and ends one, all, or all others.

use palisade_core::Principal;

use super::{EndedBy, Sessions};
use crate::{
    current::CurrentSession,
    error::SessionError,
    record::{SessionInfo, SessionOwner},
    token::SessionId,
};

impl Sessions {
    /// Ends one session of a principal, by the id that [`list`](Self::list) returned. `false`: the principal
    /// has no such session. Those of others are never ended.
    /// [`SessionsBuilder::on_ended`](crate::SessionsBuilder::on_ended) is told.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_one(
        &self,
        principal: &Principal,
        id: &SessionId,
    ) -> Result<bool, SessionError> {
        let owner = SessionOwner::of(principal);
        let all = self.0.store.list(owner.clone()).get().await?;
        let mut found = all.iter().map(|(digest, _)| *digest);
        let Some(digest) = found.find(|digest| digest.id() == *id) else {
            return Ok(false);
        };
        let ended = self.0.store.remove(digest).get().await?;
        let by = EndedBy::Id(digest.id());
        self.0.ended.tell(&owner, by, usize::from(ended));
        Ok(ended)
    }

    /// Ends all sessions of a principal (sign out everywhere), and returns how many.
    /// [`SessionsBuilder::on_ended`](crate::SessionsBuilder::on_ended) is told.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_all(&self, principal: &Principal) -> Result<usize, SessionError> {
        let owner = SessionOwner::of(principal);
        let count = self.0.store.remove_all(owner.clone(), None).get().await?;
        self.0.ended.tell(&owner, EndedBy::All, count);
        Ok(count)
    }

    /// Ends all sessions of a principal but the current one, and returns how many: after a change of the password,
    /// for example. To be sure against who stole the current cookie too, [`renew`](Self::renew) it.
    /// [`SessionsBuilder::on_ended`](crate::SessionsBuilder::on_ended) is told.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_others(
        &self,
        principal: &Principal,
        current: &CurrentSession,
    ) -> Result<usize, SessionError> {
        let owner = SessionOwner::of(principal);
        let except = Some(current.digest());
        let removed = self.0.store.remove_all(owner.clone(), except);
        let count = removed.get().await?;
        let by = EndedBy::OthersThan(current.id());
        self.0.ended.tell(&owner, by, count);
        Ok(count)
    }

    /// Lists the sessions of a principal that have not ended, the newest first.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the store cannot be asked.
    pub async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, SessionError> {
        let now = self.now();
        let all = self.0.store.list(SessionOwner::of(principal)).get().await?;
        let live = all.iter().filter(|(_, record)| !record.is_over(now));
        let mut live: Vec<SessionInfo> = live
            .map(|(digest, record)| SessionInfo::of(digest, record))
            .collect();
        live.sort_by_key(|session| std::cmp::Reverse(session.opened));
        Ok(live)
    }
}
