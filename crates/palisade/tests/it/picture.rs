//! The picture of the layers in the book, drawn in the order in which a full `Shield` runs them.
//!
//! `UPDATE_PICTURE=1 cargo test -p palisade --test it picture` writes it again.

use std::{env, fmt::Write as _, fs};

use palisade::core::{Guard, PlainText, SecurityContext, Verdict};
use palisade::{AuditLayer, FileSink, Rule, Rules};

use crate::support::test_shield;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/layers.svg");

/// What the picture says of each guard: name, task, statuses of its refusals.
const GUARDS: [(&str, &str, &str); 18] = [
    ("request_id", "sends an identifier with every response", ""),
    ("observer", "your guards that see every request", ""),
    ("audit", "records every request and its outcome", "503"),
    ("render", "sets the form of every refusal", ""),
    ("headers", "adds security headers to every response", ""),
    (
        "client",
        "determines address, scheme and host of the client",
        "400",
    ),
    ("route", "finds the rule of the route", ""),
    ("host", "checks the host against the allow-list", "400 421"),
    ("https", "requires TLS", "308 403"),
    (
        "limit_client",
        "limits requests and failed credentials by address",
        "429 503",
    ),
    ("not_found", "requires that the route exists", "404 405"),
    ("authenticate", "validates the credential", "400 401 503"),
    ("access", "enforces the rule of the route", "401 403"),
    (
        "limit_principal",
        "limits requests and costs by principal",
        "429 503",
    ),
    ("guard", "your guards that need the principal", "yours"),
    (
        "audit_gate",
        "records the request before the handler starts",
        "503",
    ),
    (
        "sanitize",
        "cleans the text fields of query and body",
        "400 413 415 422",
    ),
    (
        "inspect",
        "compares what the handler gets with firewall rules",
        "403 413",
    ),
];

/// What is inside all guards.
const HANDLER: (&str, &str, &str) = ("handler", "your code", "");

/// Stands for a guard of the application.
#[derive(Clone, Debug)]
struct Own(&'static str);

impl Guard for Own {
    type Pass = ();

    fn name(&self) -> &'static str {
        self.0
    }

    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }
}

/// Returns the names of the guards of a shield that has every part.
fn order_of_a_full_shield() -> Vec<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    let sink = FileSink::builder(folder.path().join("audit.jsonl")).fail_closed();
    let audit = AuditLayer::builder()
        .sink(sink.open().unwrap())
        .build()
        .unwrap();
    let rule = Rule::scope("speak").limit("speak");
    let rules = Rules::new().get("/speak", rule);
    let builder = test_shield().builder.audit(audit).audit_before_handler();
    let builder = builder
        .render(PlainText::default())
        .observe(Own("observer"))
        .guard(Own("guard"))
        .inspect(palisade::inspect::InspectLayer::builder().build().unwrap());
    builder.rules(rules).build().unwrap().order()
}

const ROW: usize = 30;
const WIDTH: usize = 760;

fn draw() -> String {
    let rows = GUARDS.iter().chain([&HANDLER]);
    let height = 2 * ROW + rows.clone().count() * ROW + 2 * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"title\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title id=\"title\">The layers of a Shield, from the outside in</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"20\" y=\"28\" fill=\"#222\" font-weight=\"bold\">request ↓</text>\n\
         <text x=\"{}\" y=\"28\" fill=\"#222\" text-anchor=\"end\">refuses with</text>\n",
        WIDTH - 30
    );
    for (index, row) in rows.enumerate() {
        draw_row(&mut svg, index, row);
    }
    let last = height - ROW;
    let note = "The response passes the layers in reverse. A refusal skips what is inside.";
    writeln!(svg, "<text x=\"20\" y=\"{last}\" fill=\"#222\"><tspan font-weight=\"bold\">response ↑</tspan>  {note}</text>").unwrap();
    svg.push_str("</svg>\n");
    svg
}

fn draw_row(svg: &mut String, index: usize, (name, task, statuses): &(&str, &str, &str)) {
    let inset = 10 + index * 4;
    let top = ROW + 10 + index * ROW;
    let fill = match *name {
        "handler" => "#d9ead3",
        "observer" | "guard" => "#fff2cc",
        _ if statuses.is_empty() => "#eef3f8",
        _ => "#d6e4f2",
    };
    let (width, height, base) = (WIDTH - 10 - inset, ROW - 4, top + 18);
    writeln!(
        svg,
        "<rect x=\"{inset}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill=\"{fill}\" stroke=\"#7a8ea3\"/>\n\
         <text x=\"{}\" y=\"{base}\" fill=\"#111\" font-family=\"monospace\">{name}</text>\n\
         <text x=\"250\" y=\"{base}\" fill=\"#222\">{task}</text>\n\
         <text x=\"{}\" y=\"{base}\" fill=\"#222\" text-anchor=\"end\">{statuses}</text>",
        inset + 10,
        WIDTH - 30
    )
    .unwrap();
}

#[test]
fn the_picture_has_the_guards_in_the_order_in_which_a_shield_runs_them() {
    let drawn: Vec<&str> = GUARDS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(drawn, order_of_a_full_shield());
}

#[test]
fn the_picture_in_the_book_is_the_one_that_is_drawn() {
    if env::var_os("UPDATE_PICTURE").is_some() {
        fs::write(FILE, draw()).unwrap();
    }
    let file = fs::read_to_string(FILE).unwrap();
    assert!(file == draw(), "run this test with UPDATE_PICTURE=1");
}
