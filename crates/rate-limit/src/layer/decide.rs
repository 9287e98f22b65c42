//! From a request to charges, and from a store's answer to a verdict.

use std::sync::Arc;

use arrayvec::ArrayVec;
use http::request;
use palisade_core::{Fact, Rejection, RouteMatch, Rule, SecurityContext, Soon};

use super::{Choice, Inner, Slot, settle::Pass, subject::with_subject};
use crate::{Answer, Bucket, Charge, Key, Limit, Ruling, fields::Line, store::MOST_CHARGES};

/// The limits that count one request.
pub(super) type Asked = ArrayVec<Ask, MOST_CHARGES>;

/// One limit that counts one request: which, whom, how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) choice: Choice,
    pub(super) bucket: Bucket,
    pub(super) cost: u32,
}

impl Inner {
    /// Finds out which limits count a request.
    pub(super) fn ask(
        &self,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Result<Asked, Box<Rejection>> {
        let mut asked = Asked::new();
        let mut buckets = [None; MOST_CHARGES];
        for (index, slot) in self.limits.iter().enumerate() {
            if !slot.limit.counts(cx) {
                continue;
            }
            let known = buckets
                .get_mut(slot.bucket_of)
                .and_then(|bucket: &mut Option<Bucket>| bucket.as_mut());
            let bucket = match known {
                Some(bucket) => *bucket,
                None => match self.bucket(slot, cx, head)? {
                    Some(bucket) => bucket,
                    None => continue,
                },
            };
            if let Some(place) = buckets.get_mut(slot.bucket_of) {
                *place = Some(bucket);
            }
            let choice = slot.choice(index, cx);
            let limit = self.limit(choice).unwrap_or(&slot.limit);
            let cost = self.cost(limit, head)?;
            asked.push(Ask {
                choice,
                bucket,
                cost,
            });
        }
        Ok(asked)
    }

    fn cost(&self, limit: &Limit, head: &request::Parts) -> Result<u32, Box<Rejection>> {
        let cost = u32::try_from(limit.cost.of(head)).ok();
        let payable = cost.filter(|cost| *cost <= limit.burst());
        payable.ok_or_else(|| self.refusals.never(limit))
    }

    /// Finds the bucket of a limit; `None` if it counts networks of IPv6, and this request has none.
    fn bucket(
        &self,
        slot: &Slot,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Result<Option<Bucket>, Box<Rejection>> {
        if slot.limit.is_network {
            let network = slot.key.network_of(cx);
            return Ok(network.map(|subject| self.store.bucket(&subject)));
        }
        with_subject(&slot.key, cx, head, |subject| self.store.bucket(subject)).map(Some)
    }

    /// Asks the store about all of them at once.
    pub(super) fn take(&self, asked: &Asked) -> Soon<Answer> {
        let charge = |ask: &Ask| {
            let limit = self.limit(ask.choice)?;
            Some(match limit.penalty {
                true => Charge::look(limit, ask.bucket),
                false => Charge::new(limit, ask.bucket, ask.cost),
            })
        };
        let charges: ArrayVec<Charge<'_>, MOST_CHARGES> = asked.iter().filter_map(charge).collect();
        self.store.take(self.clock.monotonic(), &charges)
    }

    /// Turns the store's answer into a verdict.
    pub(super) fn judge(
        &self,
        cx: &SecurityContext,
        asked: &Asked,
        answer: &Answer,
    ) -> Result<Pass, Box<Rejection>> {
        if answer.degraded {
            cx.record(Fact::Degraded {
                guard: self.name,
                what: "the store of the limits is away",
            });
        }
        match answer.ruling {
            Ruling::Admitted => Ok(Pass::new(self, asked, answer)),
            Ruling::Refused => Err(self.too_many(asked, answer)),
            Ruling::Unavailable => Err(self.refusals.unavailable()),
        }
    }

    fn too_many(&self, asked: &Asked, answer: &Answer) -> Box<Rejection> {
        let refused = asked
            .iter()
            .zip(answer.standings())
            .filter(|(_, standing)| standing.refused());
        let choices = refused.clone().map(|(ask, _)| ask.choice);
        let set = choices
            .clone()
            .fold(0, |set, choice| set | 1 << choice.index);
        let lines = refused.filter_map(|(ask, standing)| {
            let limit = self.limit(ask.choice)?;
            Some(Line {
                limit,
                standing: *standing,
            })
        });
        // Rounded up, for a client that comes exactly then must be let in.
        let wait = answer.wait();
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let ready = self.refusals.too_many(set, &self.limits);
        let ready = self.fields.call_back(ready, seconds.max(1));
        if answer.degraded {
            return Box::new(ready);
        }
        let now = || self.clock.unix_time().as_secs();
        Box::new(
            self.fields
                .dress_refusal(ready, Choice::set(choices), lines, now),
        )
    }
}

impl Limit {
    /// Whether the limit counts requests of this route.
    fn counts(&self, cx: &SecurityContext) -> bool {
        // Penalties hold everywhere: else credentials could be guessed there for free.
        if !self.penalty && cx.rule().is_some_and(Rule::is_unlimited) {
            return false;
        }
        if !self.named_routes_only {
            return true;
        }
        match cx.route() {
            Some(RouteMatch::Found(rule)) => {
                rule.limits().iter().any(|name| **name == *self.policy)
            }
            // Nothing is behind an unknown path, and a preflight costs nothing.
            Some(_) => false,
            // No table was asked: better limited than forgotten.
            None => true,
        }
    }
}

impl Slot {
    /// Chooses the limit for whoever asks.
    fn choice(&self, index: usize, cx: &SecurityContext) -> Choice {
        #[allow(clippy::cast_possible_truncation)] // There are at most sixteen limits.
        let index = index as u8;
        let tiers = &self.limit.tiers;
        if tiers.is_empty() {
            return Choice { index, tier: None };
        }
        let tier = cx.principal().and_then(|who| who.tier());
        let place = tier.and_then(|tier| tiers.iter().position(|(known, _)| **known == *tier));
        Choice {
            index,
            tier: place.and_then(|place| u8::try_from(place).ok()),
        }
    }

    pub(super) fn all(limits: Vec<Limit>, default: &Key) -> Box<[Self]> {
        let key = |limit: &Limit| limit.key.clone().unwrap_or_else(|| default.clone());
        let keys: Vec<(Key, bool)> = limits
            .iter()
            .map(|limit| (key(limit), limit.is_network))
            .collect();
        let slot = |(index, limit): (usize, Limit)| {
            let key = key(&limit);
            let same = |(other, is_network): &(Key, bool)| {
                *is_network == limit.is_network && other.same_as(&key)
            };
            let bucket_of = keys.iter().position(same).unwrap_or(index);
            Self {
                limit: Arc::new(limit),
                key,
                bucket_of,
            }
        };
        limits.into_iter().enumerate().map(slot).collect()
    }
}
