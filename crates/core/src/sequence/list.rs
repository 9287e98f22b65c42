//! A list of guards of any type: for custom guards, and for guards that a configuration file names.

use std::{
    any::Any,
    fmt, iter,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{request, response};

use super::{GuardInfo, GuardState, Guards, Step, sealed::Sealed};
use crate::{
    context::{Fact, SecurityContext},
    guard::{Guard, Mode, Outcome, Verdict},
    rejection::Rejection,
};

/// A guard of any type, boxed. Costs one allocation for a pass that is not empty.
///
/// It keeps the name and the [`Mode`] of the guard.
///
/// ```
/// use palisade_core::{AccessLayer, AnyGuard, Guard, Mode, NotFoundLayer};
///
/// let guards = [
///     AnyGuard::new(NotFoundLayer::new()),
///     AnyGuard::new(AccessLayer::builder([]).dangerously_only_shadow().build()),
/// ];
/// assert_eq!(guards[1].name(), "access");
/// assert_eq!(guards[1].mode(), Mode::Shadow);
/// ```
#[derive(Clone)]
pub struct AnyGuard(Arc<dyn Erased>);

impl AnyGuard {
    /// Erases the type of a guard.
    ///
    /// Guards that a configuration chooses, in a [`GuardList`](crate::GuardList):
    ///
    /// ```
    /// use palisade_core::{AnyGuard, GuardLayer, GuardList, NotFoundLayer, RequestIdLayer};
    ///
    /// let sends_identifiers = true;
    /// let mut guards = vec![AnyGuard::new(NotFoundLayer::new())];
    /// if sends_identifiers {
    ///     guards.insert(0, AnyGuard::new(RequestIdLayer::new()));
    /// }
    /// let layer = GuardLayer(guards.into_iter().collect::<GuardList>());
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn new(guard: impl Guard) -> Self {
        Self(Arc::new(guard))
    }
}

/// [`Guard`] without its associated type, so that it can be a trait object.
trait Erased: Send + Sync {
    fn name(&self) -> &'static str;
    fn mode(&self) -> Mode;
    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Pass>;
    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Pass,
        head: &mut response::Parts,
    ) -> Verdict<()>;
    fn close(&self, cx: &SecurityContext, pass: Pass, outcome: Outcome);
}

/// A pass of any type. Only the guard that made it reads it.
type Pass = Box<dyn Any + Send>;

impl<G: Guard> Erased for G {
    fn name(&self) -> &'static str {
        Guard::name(self)
    }

    fn mode(&self) -> Mode {
        Guard::mode(self)
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Pass> {
        match Guard::admit(self, cx, head) {
            Verdict::Admit(pass) => Verdict::Admit(Box::new(pass)),
            Verdict::Refuse(rejection) => Verdict::Refuse(rejection),
            later @ Verdict::Later(_) => later.and_then(|pass| Ok(Box::new(pass) as Pass)),
        }
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        match pass.downcast_mut() {
            Some(pass) => Guard::finish(self, cx, pass, head),
            // Only `admit` above makes these boxes. Any other box is a fault: refuse the response.
            None => Rejection::misconfigured("a pass of another guard").into(),
        }
    }

    fn close(&self, cx: &SecurityContext, pass: Pass, outcome: Outcome) {
        match pass.downcast() {
            Ok(pass) => Guard::close(self, cx, *pass, outcome),
            Err(_) => cx.record(Fact::ClosePanicked {
                guard: Guard::name(self),
            }),
        }
    }
}

impl Guard for AnyGuard {
    type Pass = Box<dyn Any + Send>;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn mode(&self) -> Mode {
        self.0.mode()
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Self::Pass> {
        self.0.admit(cx, head)
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Self::Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        self.0.finish(cx, pass, head)
    }

    fn close(&self, cx: &SecurityContext, pass: Self::Pass, outcome: Outcome) {
        self.0.close(cx, pass, outcome);
    }
}

impl fmt::Debug for AnyGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyGuard({})", self.0.name())
    }
}

/// A list of guards from the outside in. An empty list admits everything.
///
/// Collect it from an iterator of [`AnyGuard`]. It costs one allocation a request for the state of
/// its guards; a tuple costs none.
///
/// ```
/// use palisade_core::{AccessLayer, AnyGuard, GuardLayer, GuardList, Guards, NotFoundLayer};
///
/// let only_known_paths = true; // from a configuration file
/// let mut guards = Vec::new();
/// if only_known_paths {
///     guards.push(AnyGuard::new(NotFoundLayer::new()));
/// }
/// guards.push(AnyGuard::new(AccessLayer::new([])));
///
/// let list: GuardList = guards.into_iter().collect();
/// assert_eq!(list.guard_names(), ["not_found", "access"]);
/// let layer = GuardLayer(list);
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // A list, made to be written down.
pub struct GuardList(pub Arc<[AnyGuard]>);

impl FromIterator<AnyGuard> for GuardList {
    fn from_iter<I: IntoIterator<Item = AnyGuard>>(guards: I) -> Self {
        Self(guards.into_iter().collect())
    }
}

impl Sealed for GuardList {}

impl Guards for GuardList {
    type States = Vec<GuardState<Box<dyn Any + Send>>>;

    /// Empty: the length is known when the first guard is polled.
    fn new_states() -> Self::States {
        Vec::new()
    }

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        if states.is_empty() {
            states.extend(iter::repeat_with(AnyGuard::new_states).take(self.0.len()));
        }
        for (guard, state) in self.0.iter().zip(states) {
            ready!(guard.poll_admit(cx, state, head, task))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        for (guard, state) in self.0.iter().zip(states).rev() {
            ready!(guard.poll_finish(cx, state, head, task))?;
        }
        Poll::Ready(Ok(()))
    }

    fn close(&self, cx: &SecurityContext, states: &mut Self::States, outcome: Outcome) {
        for (guard, state) in self.0.iter().zip(states).rev() {
            Guards::close(guard, cx, state, outcome);
        }
    }

    fn list_guards(&self) -> Vec<GuardInfo> {
        self.0.iter().flat_map(Guards::list_guards).collect()
    }
}
