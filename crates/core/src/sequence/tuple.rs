//! Tuples of guards: the flat list that a stack is written as.

use std::task::{Context, Poll, ready};

use http::{request, response};

use super::{GuardInfo, Guards, Step, sealed::Sealed};
use crate::{context::SecurityContext, guard::Outcome};

/// Implements [`Guards`] for the tuple of all given types, and for each shorter one.
///
/// Each element is a type and the name of its state. `admit` runs from the first element to the
/// last; `finish` and `close` run from the last to the first. A macro cannot reverse a list in
/// place, so `@reverse` moves one element at a time.
macro_rules! tuples {
    (@reverse $all:tt [$next:tt $($rest:tt)*] [$($reversed:tt)*]) => {
        tuples!(@reverse $all [$($rest)*] [$next $($reversed)*]);
    };
    (@reverse [$(($guard:ident $state:ident))+] [] [$(($last_guard:ident $last_state:ident))+]) => {
        impl<$($guard: Guards),+> Sealed for ($($guard,)+) {}

        #[allow(non_snake_case)] // A guard has the name of its type.
        impl<$($guard: Guards),+> Guards for ($($guard,)+) {
            type States = ($($guard::States,)+);

            fn new_states() -> Self::States {
                ($($guard::new_states(),)+)
            }

            fn poll_admit(
                &self,
                cx: &SecurityContext,
                states: &mut Self::States,
                head: &mut request::Parts,
                task: &mut Option<&mut Context<'_>>,
            ) -> Step {
                let ($($guard,)+) = self;
                let ($($state,)+) = states;
                // A guard that has decided says so again at once, so resuming costs next to nothing.
                $(ready!($guard.poll_admit(cx, $state, head, task))?;)+
                Poll::Ready(Ok(()))
            }

            fn poll_finish(
                &self,
                cx: &SecurityContext,
                states: &mut Self::States,
                head: &mut response::Parts,
                task: &mut Option<&mut Context<'_>>,
            ) -> Step {
                let ($($guard,)+) = self;
                let ($($state,)+) = states;
                $(ready!($last_guard.poll_finish(cx, $last_state, head, task))?;)+
                Poll::Ready(Ok(()))
            }

            fn close(&self, cx: &SecurityContext, states: &mut Self::States, outcome: Outcome) {
                let ($($guard,)+) = self;
                let ($($state,)+) = states;
                $($last_guard.close(cx, $last_state, outcome);)+
            }

            fn list_guards(&self) -> Vec<GuardInfo> {
                let ($($guard,)+) = self;
                let mut all = Vec::new();
                $(all.extend($guard.list_guards());)+
                all
            }
        }
    };
    () => {};
    ($first:tt $($rest:tt)*) => {
        tuples!(@reverse [$first $($rest)*] [$first $($rest)*] []);
        tuples!($($rest)*);
    };
}

// The longest tuple is longer than any stack here. A longer stack nests tuples.
tuples! {
    (A a) (B b) (C c) (D d) (E e) (F f) (G g) (H h) (I i) (J j) (K k) (L l)
    (M m) (N n) (O o) (P p) (Q q) (R r) (S s) (T t)
}
