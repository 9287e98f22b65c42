//! Budgets in memory and in a file: all or nothing, settled once, and never free after a restart.

use std::{fs, time::Duration};

use palisade_core::{Clock as _, ManualClock, MaybeReady};
use palisade_rate_limit::{
    BudgetCharge, BudgetDecision, BudgetKey, BudgetProblem, BudgetState, BudgetStore,
    CalendarWindow, MemoryBudgets, Reservation,
};
use proptest::prelude::*;

/// 31 January 2027, 22:00 in Berlin.
const EVENING: Duration = Duration::from_secs(1_801_429_200);

fn key(budget: &str, id: &str, now: Duration) -> BudgetKey {
    let month = CalendarWindow::month("Europe/Berlin").unwrap();
    BudgetKey::new(budget, "api_key", id, month.around(now))
}

fn charge(budget: &str, amount: u64, units: u64) -> BudgetCharge {
    BudgetCharge::new(key(budget, "anna", EVENING), amount, units)
}

fn decide(store: &MemoryBudgets, charges: Vec<BudgetCharge>) -> BudgetDecision {
    try_decide(store, charges).unwrap()
}

fn try_decide(
    store: &MemoryBudgets,
    charges: Vec<BudgetCharge>,
) -> Result<BudgetDecision, BudgetProblem> {
    match store.reserve(charges) {
        MaybeReady::Ready(decision) => decision,
        MaybeReady::Pending(_) => panic!("memory decides at once"),
    }
}

fn reserve(store: &MemoryBudgets, charge: BudgetCharge) -> Option<Reservation> {
    decide(store, vec![charge]).into_reservation()
}

fn state(store: &MemoryBudgets, key: BudgetKey) -> BudgetState {
    match store.read(vec![key]) {
        MaybeReady::Ready(states) => states.unwrap()[0],
        MaybeReady::Pending(_) => panic!("memory reads at once"),
    }
}

#[test]
fn a_request_is_charged_by_all_budgets_or_by_none() {
    let store = MemoryBudgets::new();
    let both = |units| vec![charge("wide", 1_000, units), charge("narrow", 100, units)];
    assert!(decide(&store, both(60)).is_granted());
    let refused = decide(&store, both(60));
    assert!(!refused.is_granted());
    let expected = [BudgetState::new(0, 60), BudgetState::new(0, 60)];
    assert_eq!(refused.states(), expected);
    assert!(decide(&store, both(40)).is_granted());
}

#[test]
fn what_was_used_replaces_the_reserve_also_if_it_is_more() {
    let store = MemoryBudgets::new();
    let anna = || key("tokens", "anna", EVENING);
    for (used, expected) in [(30, 30), (0, 30), (120, 150), (u64::MAX, 150 + (1 << 50))] {
        let reserved = reserve(&store, charge("tokens", 1 << 50, 50)).unwrap();
        store.settle(reserved, &[used]);
        assert_eq!(state(&store, anna()), BudgetState::new(expected, 0));
    }
    assert!(reserve(&store, charge("tokens", 1 << 50, 1)).is_none());
}

#[test]
fn more_than_the_reserve_stays_charged_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets.log");
    let store = MemoryBudgets::open(&path).unwrap();
    let reserved = reserve(&store, charge("tokens", 100, 10)).unwrap();
    store.settle(reserved, &[1 << 31]);
    assert!(reserve(&store, charge("tokens", 100, 1)).is_none());
    drop(store);
    let store = MemoryBudgets::open(&path).unwrap();
    assert_eq!(
        state(&store, key("tokens", "anna", EVENING)).charged(),
        1 << 31
    );
}

#[test]
fn what_is_not_settled_stays_charged() {
    let store = MemoryBudgets::new();
    drop(reserve(&store, charge("tokens", 100, 70)));
    assert!(reserve(&store, charge("tokens", 100, 31)).is_none());
    let reserved = reserve(&store, charge("tokens", 100, 30)).unwrap();
    store.settle(reserved, &[]);
    assert_eq!(state(&store, key("tokens", "anna", EVENING)).charged(), 100);
}

#[test]
fn a_request_over_the_end_of_a_month_is_settled_where_it_began() {
    let store = MemoryBudgets::new();
    let clock = ManualClock::new(EVENING);
    let ask = || {
        let key = key("tokens", "anna", clock.unix_time());
        reserve(&store, BudgetCharge::new(key, 100, 80))
    };
    let january = ask().unwrap();
    assert!(ask().is_none());
    clock.advance(Duration::from_secs(2 * 3600 - 1));
    assert!(ask().is_none(), "one second before midnight");
    clock.advance(Duration::from_secs(1));
    let february = ask().unwrap();
    store.settle(january, &[100]);
    assert_eq!(state(&store, key("tokens", "anna", EVENING)).used, 100);
    store.settle(february, &[10]);
    let now = key("tokens", "anna", clock.unix_time());
    assert_eq!(state(&store, now), BudgetState::new(10, 0));
}

#[test]
fn a_full_table_refuses_a_new_subject_until_windows_have_passed() {
    let store = MemoryBudgets::with_capacity(2);
    let ask = |id: &str, now| try_decide(&store, vec![BudgetCharge::new(key("a", id, now), 9, 1)]);
    assert!(ask("1", EVENING).unwrap().is_granted());
    assert!(ask("2", EVENING).unwrap().is_granted());
    assert_eq!(ask("3", EVENING).unwrap_err(), BudgetProblem::Full);
    assert!(ask("1", EVENING).unwrap().is_granted());
    let months = |count: u32| EVENING + count * Duration::from_secs(31 * 86_400);
    assert_eq!(ask("3", months(1)).unwrap_err(), BudgetProblem::Full);
    assert!(ask("3", months(3)).unwrap().is_granted());
}

#[test]
fn after_a_restart_reserves_count_as_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets.log");
    let store = MemoryBudgets::open(&path).unwrap();
    let settled = reserve(&store, charge("tokens", 100, 50)).unwrap();
    store.settle(settled, &[20]);
    let killed = reserve(&store, charge("tokens", 100, 30)).unwrap();
    drop(store);
    drop(killed);
    for _ in 0..2 {
        let store = MemoryBudgets::open(&path).unwrap();
        assert_eq!(
            state(&store, key("tokens", "anna", EVENING)),
            BudgetState::new(50, 0)
        );
        assert!(reserve(&store, charge("tokens", 100, 51)).is_none());
    }
    let read = MemoryBudgets::read_file(&path).unwrap();
    assert_eq!(
        read,
        [(key("tokens", "anna", EVENING), BudgetState::new(50, 0))]
    );
}

#[test]
fn names_of_any_kind_survive_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets.log");
    let names = ["a\tb", "line\nbreak", "100%", "", "今"];
    let store = MemoryBudgets::open(&path).unwrap();
    for id in names {
        let charge = BudgetCharge::new(key("b b", id, EVENING), 10, 3);
        assert!(reserve(&store, charge).is_some());
    }
    drop(store);
    let store = MemoryBudgets::open(&path).unwrap();
    for id in names {
        assert_eq!(state(&store, key("b b", id, EVENING)).used, 3, "{id:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_path_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets.log");
    let open = || {
        MemoryBudgets::open(&path)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let line = "tokens\tapi_key\tanna\tmonth\t1\t2\t30\n";
    for broken in [
        "x\n",
        "\n",
        "tokens\tapi_key\tanna\tyear\t1\t2\t30\n",
        "tokens\tapi_key\tanna\tmonth\t1\t2\t3x\n",
    ] {
        fs::write(&path, format!("{line}{broken}")).unwrap();
        assert!(open().contains("budgets.log:2: "), "{}", open());
    }
    // What a process had not written whole was not granted.
    fs::write(&path, format!("{line}tokens\tapi_k")).unwrap();
    let store = MemoryBudgets::open(&path).unwrap();
    assert!(open().contains("another process uses"), "{}", open());
    drop(store);
    let missing = MemoryBudgets::open(&folder.path().join("no/budgets.log"));
    assert!(missing.unwrap_err().to_string().contains("budgets.log"));
}

#[test]
fn a_file_that_has_grown_is_written_anew_with_the_same_sums() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets.log");
    let store = MemoryBudgets::open(&path).unwrap();
    let most = 1 << 40;
    let open = reserve(&store, charge("tokens", most, 7)).unwrap();
    for _ in 0..15_000 {
        let reserved = reserve(&store, charge("tokens", most, 5)).unwrap();
        store.settle(reserved, &[2]);
    }
    assert!(fs::metadata(&path).unwrap().len() < 1_100_000);
    drop(store);
    drop(open);
    let store = MemoryBudgets::open(&path).unwrap();
    assert_eq!(state(&store, key("tokens", "anna", EVENING)).used, 30_007);
}

proptest! {
    /// Whatever is asked and settled below its reserve, no budget is exceeded, and the sum is that of
    /// what was used.
    #[test]
    fn the_sum_charged_is_the_sum_used(
        steps in prop::collection::vec((0_u64..60, 0_u64..60, any::<bool>()), 0..200),
    ) {
        let store = MemoryBudgets::new();
        let mut open = Vec::new();
        let mut used = 0;
        for (units, later, settle) in steps {
            open.extend(reserve(&store, charge("tokens", 500, units)));
            let charged = state(&store, key("tokens", "anna", EVENING)).charged();
            prop_assert!(charged <= 500, "{charged}");
            if settle && !open.is_empty() {
                let reserved = open.swap_remove(usize::try_from(later).unwrap() % open.len());
                let units = later.min(reserved.charges()[0].units());
                store.settle(reserved, &[units]);
                used += units;
            }
        }
        let reserved: u64 = open.iter().map(|open| open.charges()[0].units()).sum();
        prop_assert_eq!(
            state(&store, key("tokens", "anna", EVENING)),
            BudgetState::new(used, reserved)
        );
    }
}
