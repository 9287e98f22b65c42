//! The page of the book: one table for each group, and how it was measured.

use std::{fmt::Write as _, path::Path};

use crate::{
    Failure, machine, picture,
    results::{Load, Results, Row},
};

/// The page as Markdown.
pub(crate) fn write(project: &Path, results: &Results) -> Result<String, Failure> {
    let mut page = introduction(project)?;
    for (name, rows) in &results.groups {
        writeln!(page, "\n## {}\n", heading(name))?;
        if let Some(file) = picture::file_of(name) {
            writeln!(page, "![Time over the floor, {name}]({file})\n")?;
        }
        table(&mut page, results.time(name, "floor"), rows)?;
    }
    if !results.load.is_empty() {
        load(&mut page, &results.load)?;
    }
    Ok(page)
}

fn introduction(project: &Path) -> Result<String, Failure> {
    let mut page = String::from(
        "# Benchmarks\n\n<!-- Written by `cargo run -p benches --bin report`. -->\n\n",
    );
    writeln!(
        page,
        "What each layer costs, beside what users would pick instead. What stands in one table was measured in one run, \
side by side. This command runs all of them and writes the page:\n\n```sh\ncargo run -p benches --bin report\n```\n"
    )?;
    writeln!(page, "- Machine: {}.", machine::describe())?;
    writeln!(
        page,
        "- Versions compared: {}.",
        machine::versions(project)?.join(", ")
    )?;
    page.push_str(
        "- Times are the least of 30 samples, in nanoseconds a request, response read to its end. Making the request is not \
counted.
- *Hot*: the same request again and again. *Cold*: 20,000 different requests from 10,000 addresses, made beforehand, so that \
caches are as cold as in a server. A layer's cost is its row less the floor, which is the bare service.
- A question that was not asked in this run has no table, such as those that need a program which was not installed (Redis, `wrk`).
",
    );
    Ok(page)
}

/// A heading from the name of a group.
pub(crate) fn heading(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    first + letters.as_str()
}

fn table(
    page: &mut String,
    floor: Option<f64>,
    rows: &std::collections::BTreeMap<String, Row>,
) -> Result<(), Failure> {
    let bytes = rows.values().any(|row| row.bytes.is_some());
    let last = match (bytes, floor) {
        (true, _) => "MB/s",
        (false, Some(_)) => "cold, over the floor",
        (false, None) => "in microseconds",
    };
    writeln!(page, "| | hot | cold | {last} |\n|---|--:|--:|--:|")?;
    for (name, row) in rows {
        let cell = |time: Option<f64>| time.map(whole).unwrap_or_default();
        let last = match (row.bytes, floor) {
            (Some(bytes), _) => whole(bytes as f64 * 1000.0 / row.time()),
            (None, Some(floor)) if name != "floor" => whole(row.time() - floor),
            (None, Some(_)) => String::new(),
            (None, None) => format!("{:.1}", row.time() / 1000.0),
        };
        writeln!(
            page,
            "| {name} | {} | {} | {last} |",
            cell(row.hot),
            cell(row.cold)
        )?;
    }
    Ok(())
}

/// A number without fraction, thousands apart.
pub(crate) fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number <= -0.5 {
        format!("−{text}")
    } else {
        text
    }
}

fn load(page: &mut String, rows: &[Load]) -> Result<(), Failure> {
    page.push_str(
        "\n## Whole servers under load

32 KiB a response over TLS, `wrk` with 2 threads and 64 connections that stay open, on the same cores as the server. Memory is \
that of all processes of the server after the load. By `cargo run --release --manifest-path benches/peers/Cargo.toml --bin \
load`, which the report runs too.

| | requests/s | p50 ms | p99 ms | memory MiB |
|---|--:|--:|--:|--:|
",
    );
    for Load {
        name,
        requests_per_second,
        p50_ms,
        p99_ms,
        memory_mib,
    } in rows
    {
        let requests = whole(*requests_per_second);
        writeln!(
            page,
            "| {name} | {requests} | {p50_ms:.2} | {p99_ms:.2} | {memory_mib:.1} |"
        )?;
    }
    Ok(())
}
