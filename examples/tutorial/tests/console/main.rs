//! The console blocks of the book and of the README print what they show.
//!
//! Every command after `$ ` is run, in the order of the page, in one empty folder. Identifiers and
//! seconds to wait are masked; everything else must be equal, to the order of the members in JSON.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod markdown;
mod mask;
mod programs;
mod session;

use session::Session;

/// Commands that are not run, and why.
const NOT_RUN: [(&str, &str); 6] = [
    (
        "cargo run --release -p tts-server",
        "compiles the speech server with optimisation; its own tests start it without arguments too",
    ),
    (
        "cargo install",
        "compiles the command with optimisation; the one that is run was built with the tests",
    ),
    (".ci/test", "runs all tests, this one too"),
    (
        "palisade gateway",
        "serves until it is stopped; the command's own tests start it and send requests with curl",
    ),
    (
        "flask --app",
        "serves until it is stopped; the gateway's own tests start the recipe",
    ),
    (
        "curl --cacert …",
        "has the key that the gateway has printed; the gateway's own tests send it",
    ),
];

/// Pages whose console blocks are run.
const PAGES: [&str; 3] = ["README.md", "docs/src/install.md", "docs/src/tutorial.md"];

/// Pages whose console blocks are not run: fragments, whose commands other pages run.
const FRAGMENTS: [&str; 1] = ["docs/src/how-to/existing.md"];

fn reason_not_to_run(command: &str) -> Option<&'static str> {
    let found = NOT_RUN
        .iter()
        .find(|(prefix, _)| command.starts_with(prefix));
    found.map(|(_, reason)| *reason)
}

fn check(page: &str) {
    let Some(mut session) = Session::open() else {
        return;
    };
    let steps = markdown::steps(page);
    let run = steps
        .iter()
        .filter(|step| reason_not_to_run(&step.command).is_none());
    let mut checked = 0;
    for step in run {
        session.check(page, step);
        checked += 1;
    }
    assert!(checked > 0, "{page}: no command was run");
}

#[test]
fn the_readme_prints_what_it_shows() {
    check("README.md");
}

#[test]
fn the_page_about_installing_prints_what_it_shows() {
    check("docs/src/install.md");
}

#[test]
fn the_tutorial_prints_what_it_shows() {
    check("docs/src/tutorial.md");
}

#[test]
fn every_page_with_console_blocks_is_run() {
    let mut known = [&PAGES[..], &FRAGMENTS].concat();
    known.sort_unstable();
    assert_eq!(markdown::pages_with_console_blocks(), known);
}

#[test]
fn every_command_that_is_not_run_is_on_a_page() {
    let steps: Vec<_> = PAGES
        .iter()
        .flat_map(|page| markdown::steps(page))
        .collect();
    for (prefix, _) in NOT_RUN {
        let used = steps.iter().any(|step| step.command.starts_with(prefix));
        assert!(used, "no page has `{prefix}`");
    }
}

#[test]
fn the_program_at_the_end_of_the_tutorial_is_the_one_that_runs() {
    let program = include_str!("../../src/main.rs");
    let blocks = markdown::blocks("docs/src/tutorial.md", "rust,no_run");
    assert_eq!(blocks.last().map(String::as_str), Some(program));
}
