//! A simulation of many replicas that share one limit: what they admit, and how often they call the store.
//!
//! ```console
//! $ cargo run -p benches --bin fleet
//! ```
//!
//! It writes `docs/src/simulation.md` and its picture. There is no network and no waiting: time is a number.
//! Decisions are those of the product: `LeasedStore` on each replica, and the arithmetic of `MemoryStore` in
//! the place of the server. Its random numbers are the same in each run.
#![allow(clippy::print_stdout)]

mod page;
mod picture;
mod run;
mod server;

use std::{fs, io, path::Path};

use self::run::{Load, Scenario};

/// The numbers of replicas.
const REPLICAS: [u32; 4] = [1, 10, 100, 1000];

fn main() -> io::Result<()> {
    let mut results = Vec::new();
    for replicas in REPLICAS {
        for (load, lease, faults) in CASES {
            let scenario = Scenario {
                replicas,
                load,
                lease,
                faults,
            };
            let result = scenario.run();
            println!("{scenario:?}: {result:?}");
            results.push((scenario, result));
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    fs::write(folder.join("simulation.md"), page::write(&results))?;
    fs::write(folder.join("simulation.svg"), picture::draw(&results))
}

/// Load, lease and faults of the scenarios.
const CASES: [(Load, Option<u32>, bool); 8] = [
    (Load::Steady(90), None, false),
    (Load::Steady(90), LEASE, false),
    (Load::Steady(90), LEASE, true),
    (Load::Steady(200), None, false),
    (Load::Steady(200), LEASE, false),
    (Load::Steady(200), LEASE, true),
    (Load::Adversary, LEASE, false),
    (Load::Adversary, LEASE, true),
];

/// A quarter of what a replica has in a second.
const LEASE: Option<u32> = Some(12);
