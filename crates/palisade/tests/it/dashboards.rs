//! The files for Grafana and Prometheus: every metric in them exists, and every metric is in the book.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The names of metrics in a text, without the suffixes that Prometheus adds to histograms.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |one: char| one.is_ascii_lowercase() || one == '_';
    let words = text.split(|one: char| !is_name(one));
    let metrics = words.filter(|word| word.starts_with("palisade_"));
    metrics
        .map(|name| name.trim_end_matches("_bucket").to_owned())
        .collect()
}

/// The metrics that the code has: the first argument of `counter!`, `gauge!` and `histogram!`.
fn in_the_code() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                // A key is made by hand where a label would be allocated for each request.
                let macros = ["counter!(", "gauge!(", "histogram!(", "Key::from_parts("];
                let calls = macros.iter().flat_map(|name| text.split(name).skip(1));
                for call in calls {
                    let name = call.trim_start().strip_prefix('"');
                    let name = name.and_then(|rest| rest.split('"').next());
                    found.extend(
                        name.filter(|name| name.starts_with("palisade_"))
                            .map(str::to_owned),
                    );
                }
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[track_caller]
fn all_exist(used: &BTreeSet<String>) {
    let known = in_the_code();
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "no such metric: {unknown:?}");
}

#[test]
fn the_book_lists_every_metric_and_no_other() {
    let page = read("docs/src/how-to/observe.md");
    let rows = page.lines().filter(|line| line.starts_with("| `palisade_"));
    // The first column has the names; another may name a metric in a sentence.
    let names: BTreeSet<String> = rows.flat_map(names).collect();
    assert_eq!(names, in_the_code());
}

#[test]
fn the_dashboard_of_grafana_is_well_formed_and_its_metrics_exist() {
    let text = read("docs/src/deploy/grafana.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}", panel["id"]);
        assert!(!panel["description"].as_str().unwrap().is_empty());
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty());
        for target in targets {
            let query = target["expr"].as_str().unwrap();
            assert!(!names(query).is_empty(), "{query}");
            assert_eq!(
                query.matches('(').count(),
                query.matches(')').count(),
                "{query}"
            );
            all_exist(&names(query));
        }
    }
    assert!(panels.len() >= 12);
}

#[test]
fn the_alert_rules_of_prometheus_are_well_formed_and_their_metrics_exist() {
    let text = read("docs/src/deploy/alerts.yml");
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let rules = file["groups"][0]["rules"].as_array().unwrap();
    let mut alerts = BTreeSet::new();
    for rule in rules {
        let alert = rule["alert"].as_str().unwrap();
        assert!(alerts.insert(alert.to_owned()), "{alert} twice");
        let query = rule["expr"].as_str().unwrap();
        assert!(!names(query).is_empty(), "{alert}");
        assert_eq!(
            query.matches('(').count(),
            query.matches(')').count(),
            "{alert}"
        );
        all_exist(&names(query));
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning"].contains(&severity), "{alert}");
        for annotation in ["summary", "description"] {
            assert!(rule["annotations"][annotation].is_string(), "{alert}");
        }
    }
    assert!(alerts.len() >= 10);
}
