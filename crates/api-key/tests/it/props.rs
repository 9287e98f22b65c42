//! Properties: of the parser, and of a key's life beside a naive model of it.

use std::time::Duration;

use http::StatusCode;
use palisade_api_key::{Environment, Grant, KeyFormat, Network, Timestamp};
use proptest::prelude::*;

use crate::support::{NOW, Stand, id_of};

proptest! {
    #[test]
    fn the_parser_takes_no_bytes_that_were_not_minted(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(KeyFormat::default().parse(&bytes).is_err());
    }

    #[test]
    fn the_parser_takes_no_almost_key(text in "psk_(live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}") {
        // One in four thousand million would pass by chance.
        prop_assert!(KeyFormat::default().parse(text.as_bytes()).is_err());
    }

    #[test]
    fn the_parser_takes_no_changed_key(place in 0..72_usize, byte: u8) {
        let stand = Stand::new();
        let mut key = stand.key().into_bytes();
        let changed = std::mem::replace(&mut key[place], byte) != byte;
        prop_assert_eq!(stand.scheme.format().parse(&key).is_err(), changed);
    }

    #[test]
    fn the_parser_takes_no_part_and_no_extension(length in 0..72_usize, tail in "[ -~]{1,20}") {
        let stand = Stand::new();
        let key = stand.key();
        prop_assert!(stand.scheme.format().parse(&key.as_bytes()[..length]).is_err());
        let (longer, later) = (format!("{key}{tail}"), format!("{tail}{key}"));
        prop_assert!(stand.scheme.format().parse(longer.as_bytes()).is_err());
        prop_assert!(stand.scheme.format().parse(later.as_bytes()).is_err());
    }

    #[test]
    fn what_operators_type_never_panics(text in "\\PC{0,40}") {
        let _ = (text.parse::<Timestamp>(), text.parse::<Network>(), text.parse::<Environment>());
    }

    #[test]
    fn moments_are_read_as_written(seconds in 0..253_402_300_799_u64) {
        let moment = Timestamp::from_unix(Duration::from_secs(seconds));
        prop_assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn a_key_lives_as_the_naive_model_says(
        start in proptest::option::of(0..60_u64),
        life in proptest::option::of(1..200_u64),
        steps in proptest::collection::vec(step(), 1..30),
    ) {
        live_through(start, life, &steps)?;
    }
}

#[derive(Clone, Debug)]
enum Step {
    Revoke,
    Rotate { overlap: u64 },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Revoke),
        6 => (0..60_u64).prop_map(|overlap| Step::Rotate { overlap }),
        10 => (1..40_u64).prop_map(Step::Wait),
    ]
}

/// What a key is, told as simply as possible: every secret it ever had, and until when each counts.
struct Model {
    now: u64,
    start: u64,
    end: u64,
    revoked: bool,
    secrets: Vec<(String, u64)>,
}

impl Model {
    fn admits(&self, until: u64) -> bool {
        !self.revoked && self.start <= self.now && self.now < self.end && self.now < until
    }

    fn rotate(&mut self, key: String, overlap: u64) {
        let newest = self.secrets.len() - 1;
        for (age, (_, until)) in self.secrets.iter_mut().enumerate() {
            *until = if age == newest { self.now + overlap } else { 0 };
        }
        self.secrets.push((key, u64::MAX));
    }
}

fn live_through(
    start: Option<u64>,
    life: Option<u64>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let stand = Stand::new();
    let base = NOW.as_secs();
    let start = start.map_or(0, |start| base + start);
    let end = life.map_or(u64::MAX, |life| start.max(base) + life);
    let mut grant = Grant::new(Environment::Live).not_before(Duration::from_secs(start));
    if life.is_some() {
        grant = grant.expires(Duration::from_secs(end));
    }
    let first = stand.mint(grant).key().to_owned();
    let id = id_of(&first);
    let mut model = Model {
        now: base,
        start,
        end,
        revoked: false,
        secrets: vec![(first, u64::MAX)],
    };
    for step in steps {
        match step {
            Step::Revoke => {
                stand
                    .store
                    .revoke(id, Duration::from_secs(model.now))
                    .unwrap();
                model.revoked = true;
            }
            Step::Rotate { overlap } => {
                let record = stand.store.table().get(id).cloned().unwrap();
                let now = Duration::from_secs(model.now);
                let until = Duration::from_secs(model.now + overlap);
                let rotated = stand.scheme.rotate(&record, until, now);
                prop_assert_eq!(rotated.is_err(), model.revoked || model.now >= model.end);
                if let Ok(rotated) = rotated {
                    stand.store.replace(rotated.record().clone()).unwrap();
                    model.rotate(rotated.key().to_owned(), *overlap);
                }
            }
            Step::Wait(seconds) => {
                stand.clock.advance(Duration::from_secs(*seconds));
                model.now += seconds;
            }
        }
        for (key, until) in &model.secrets {
            let admitted = stand.send(key).status == StatusCode::OK;
            prop_assert_eq!(admitted, model.admits(*until), "after {:?}", step);
        }
    }
    Ok(())
}
