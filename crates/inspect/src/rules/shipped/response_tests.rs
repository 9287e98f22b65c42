//! Each rule on responses: what it refuses and what not.

use std::sync::LazyLock;

use super::*;
use crate::engine::{RequestView, ResponseView};

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::shipped().expect("the rules load"));

fn found(status: u16, body: &str) -> Option<u64> {
    let response = ResponseView {
        status,
        headers: vec![(b"content-type", b"text/html")],
        body: body.as_bytes(),
    };
    RULES
        .inspect(&RequestView::default(), Some(&response))
        .refused_by
}

/// Each hostile body is refused by the rule at this status, each benign one by none.
fn check(rule: u64, status: u16, hostile: &[&str], benign: &[&str]) {
    for body in hostile {
        assert_eq!(found(status, body), Some(rule), "{body}");
    }
    for body in benign {
        assert_eq!(found(status, body), None, "{body}");
    }
}

#[test]
fn a_stack_trace_of_an_error_is_refused() {
    let traces = [
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 3",
        "java.lang.NullPointerException\n\tat com.example.Shop.buy(Shop.java:42)",
        "panic: runtime error\n\ngoroutine 1 [running]:\nmain.main()",
        "thread 'main' panicked at src/main.rs:4:5:\nboom",
        "TypeError: x is undefined\n    at Object.<anonymous> (/app/index.js:3:9)",
        "   at Shop.Cart.Buy(Int32 id) in C:\\src\\Cart.cs:line 12",
        "/usr/lib/ruby/a.rb:10:in `buy'",
        "Stack trace:\n#0 /var/www/a.php(3): f()",
    ];
    check(
        10101,
        500,
        &traces,
        &[
            "{\"error\":\"Try again at 10:30:15.\"}",
            "look at /app/index",
        ],
    );
    for trace in traces {
        assert_eq!(found(200, trace), None, "a model may write one: {trace}");
    }
}

#[test]
fn the_page_of_a_debugger_is_refused() {
    check(
        10102,
        200,
        &[
            "<title>ZeroDivisionError: x // Werkzeug Debugger</title>",
            "You're seeing this error because you have <code>DEBUG = True</code> in",
            "<br />\n<b>Fatal error</b>:  Uncaught Error in <b>/var/www/a.php</b> on line <b>3</b>",
        ],
        &[
            "<title>Werkzeug</title>",
            "<b>Fatal error</b>: the disk is full",
            "DEBUG = True",
        ],
    );
}

#[test]
fn the_message_of_a_database_is_refused() {
    let messages = [
        "You have an error in your SQL syntax; check the manual",
        "SQLSTATE[42S02]: Base table or view not found",
        "ORA-00942: table or view does not exist",
        "sqlite3.OperationalError: no such table: users",
        "psycopg2.errors.UndefinedTable: relation",
    ];
    check(
        10103,
        503,
        &messages,
        &["{\"error\":\"the database is busy\"}"],
    );
    for message in messages {
        assert_eq!(found(200, message), None, "{message}");
    }
}

#[test]
fn a_private_key_is_refused() {
    let data = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    let keys = ["", "RSA ", "OPENSSH ", "EC "]
        .map(|kind| format!("-----BEGIN {kind}PRIVATE KEY-----\n{data}"));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let public = format!("-----BEGIN PUBLIC KEY-----\n{data}");
    check(
        10104,
        200,
        &keys,
        &[&public, "-----BEGIN PRIVATE KEY----- is how it starts"],
    );
    let json = format!("{{\"key\":\"-----BEGIN PRIVATE KEY-----\\n{data}\"}}");
    check(10104, 200, &[&json], &[]);
}

#[test]
fn accounts_and_credentials_are_refused() {
    check(
        10105,
        200,
        &[
            "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1",
            "{\"SecretAccessKey\" : \"wJalrXUtnFEMIbPxRfiCYEXAMPLEKEY123456789\"}",
        ],
        &[
            "root: the start of a tree",
            "{\"SecretAccessKey\":\"hidden\"}",
        ],
    );
}

#[test]
fn the_listing_of_a_folder_is_refused() {
    check(
        10106,
        200,
        &[
            "<html><title>Index of /backup</title>",
            "<title>Directory listing for /</title>",
        ],
        &["<title>Index of terms</title>", "Index of /a"],
    );
}
