//! The state of a gateway as one page of HTML, for a person.
//!
//! The page is made from the document of the admin socket alone, so it says the same. No script is in it, and nothing is
//! loaded from elsewhere; names are escaped, with characters that cannot be seen. `listener` serves it on a loopback
//! address.
//!
//! | part of the page | part of the document |
//! |---|---|
//! | serving or stopping, the times | `draining`, `now`, `started` |
//! | sums since the start | `traffic.all`, `websockets` |
//! | the picture of the last hour | `traffic.minutes` |
//! | refusals by guard and code | `traffic.refusals` |
//! | what shadow would refuse | `would_refuse` |
//! | who sends most | `traffic.principals` |
//! | who was refused most by limits | `limited` |
//! | servers: health, circuit breaker, open requests | `upstreams` |
//!
//! A table that the document does not have is shown as `None.`, so an older document makes a page too.

mod chart;
mod listener;

use std::fmt::{Display, Write as _};

use palisade_internal::{html::escape_visibly, rfc3339};
use serde_json::Value;

pub(super) use self::listener::PageListener;

/// The style of the page: light and dark by what the browser prefers, from the width of a phone.
const STYLE: &str = include_str!("style.css");

/// Makes a page of HTML from the document of the command `status` of the admin socket.
///
/// It works from a file: style and pictures are inside, and a policy in the page forbids everything else. So a page that was
/// saved shows the state at that time, on any machine. Every text of the document is escaped.
///
/// It does not refresh itself; the page that the section `[admin]` serves does, every 10 seconds.
///
/// # Examples
///
/// ```
/// let document = serde_json::json!({ "draining": false, "websockets": 3, "upstreams": [] });
/// let page = palisade_gateway::status_page(&document);
/// assert!(page.starts_with("<!doctype html>"));
/// ```
#[must_use]
pub fn status_page(document: &Value) -> String {
    page(document, None)
}

/// Makes the page. `refresh`: the browser asks again after so many seconds.
fn page(document: &Value, refresh: Option<u32>) -> String {
    let refresh = refresh.map_or_else(String::new, |seconds| {
        format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">\n")
    });
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{refresh}\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Palisade gateway</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    write_head(&mut page, document);
    write_traffic(&mut page, document);
    write_upstreams(&mut page, document);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Writes whether it serves, since when, and the sums.
fn write_head(page: &mut String, document: &Value) {
    let is_draining = document["draining"] == true;
    let (class, state) = match is_draining {
        true => ("bad", "stopping"),
        false => ("good", "serving"),
    };
    let time = |name: &str| {
        let seconds = document.get(name)?.as_u64()?;
        Some(rfc3339::write_seconds(std::time::Duration::from_secs(
            seconds,
        )))
    };
    let _ = writeln!(
        page,
        "<header>\n<h1>Palisade gateway</h1>\n<p><span class=\"state {class}\">{state}</span></p>"
    );
    let times = [("now", "State of"), ("started", "Started")];
    for (name, label) in times {
        if let Some(time) = time(name) {
            let _ = writeln!(page, "<p class=\"time\">{label} {time}</p>");
        }
    }
    page.push_str("</header>\n<ul class=\"sums\">\n");
    let all = document.pointer("/traffic/all").unwrap_or(&Value::Null);
    for (value, label, class) in [
        (&all["answered"], "answered", "answered"),
        (&all["refused"], "refused", "refused"),
        (&all["failed"], "failed", "failed"),
        (&document["websockets"], "open WebSockets", "open"),
    ] {
        let number = value.as_u64().unwrap_or(0);
        let _ = writeln!(page, "<li class=\"{class}\"><b>{number}</b> {label}</li>");
    }
    page.push_str("</ul>\n");
}

/// Writes the picture of the last hour, refusals, and who sends most.
fn write_traffic(page: &mut String, document: &Value) {
    let traffic = &document["traffic"];
    page.push_str("<section>\n<h2>Last hour</h2>\n");
    page.push_str(&chart::minutes(elements(&traffic["minutes"])));
    page.push_str("</section>\n");
    let refusals = elements(&traffic["refusals"])
        .map(|row| [text(&row["guard"]), text(&row["code"]), text(&row["count"])]);
    write_table(page, "Refusals", ["guard", "code", "times"], refusals);
    let in_shadow = elements(&document["would_refuse"]).map(|row| {
        let columns = ["guard", "code", "route", "count"];
        columns.map(|name| text(&row[name]))
    });
    let columns = ["guard", "code", "route", "times"];
    write_table(page, "Would be refused without shadow", columns, in_shadow);
    let principals = elements(&traffic["principals"]).map(|row| {
        let uncertain = row["uncertain"].as_u64().unwrap_or(0);
        let about = if uncertain > 0 { "at most " } else { "" };
        let requests = format!("{about}{}", text(&row["requests"]));
        [text(&row["name"]), requests, text(&row["refused"])]
    });
    let columns = ["principal", "requests", "refused"];
    write_table(page, "Most requests", columns, principals);
    let limited = elements(&document["limited"]).map(|row| {
        [
            text(&row["limit"]),
            text(&row["subject"]),
            text(&row["refused"]),
        ]
    });
    let columns = ["limit", "who", "refused"];
    write_table(page, "Most refused by limits", columns, limited);
}

/// Writes a line for each server.
fn write_upstreams(page: &mut String, document: &Value) {
    let rows = elements(&document["upstreams"]).flat_map(|upstream| {
        let path = text(&upstream["path"]);
        let path = if path.is_empty() {
            "/".to_owned()
        } else {
            path
        };
        elements(&upstream["servers"]).map(move |server| {
            let health = match server["healthy"] == true {
                true => "healthy",
                false => "unhealthy",
            };
            [
                text(&server["address"]),
                path.clone(),
                health.to_owned(),
                text(&server["breaker"]),
                text(&server["pending"]),
            ]
        })
    });
    let columns = ["server", "path", "health", "breaker", "open requests"];
    write_table(page, "Upstreams", columns, rows);
}

/// Writes a table, or that there is nothing. It scrolls by itself where it is wider than the window.
fn write_table<const COLUMNS: usize>(
    page: &mut String,
    name: &str,
    columns: [&str; COLUMNS],
    rows: impl Iterator<Item = [String; COLUMNS]>,
) {
    let _ = writeln!(page, "<section>\n<h2>{name}</h2>");
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        page.push_str("<p class=\"none\">None.</p>\n</section>\n");
        return;
    }
    page.push_str("<div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr>");
    for column in columns {
        let _ = write!(page, "<th scope=\"col\">{column}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        row.iter().for_each(|cell| write_cell(page, cell));
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n</section>\n");
}

/// Writes a cell. Numbers stand at the right, and what is not well has a class.
fn write_cell(page: &mut String, cell: &str) {
    let is_number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
    let class = match cell {
        _ if is_number => " class=\"number\"",
        "unhealthy" | "open" => " class=\"bad\"",
        "healthy" | "closed" => " class=\"good\"",
        _ => "",
    };
    let _ = write!(page, "<td{class}>{}</td>", Escaped(cell));
}

/// A text that a client or an upstream chose, such as the name of a principal.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&escape_visibly(self.0))
    }
}

/// The elements of an array. None for anything else.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text or a number. Empty for anything else.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_cannot_become_markup_nor_hide() {
        let name = "</td><script>alert(1)</script>\u{202e}\n";
        let document = json!({
            "traffic": { "principals": [{ "name": name, "requests": 1, "refused": 0 }] },
            "would_refuse": [{ "guard": name, "code": name, "route": name, "count": 1 }],
            "limited": [{ "limit": name, "subject": name, "refused": 1 }],
            "upstreams": [{ "path": name, "servers": [{ "address": name, "breaker": name, "pending": name }] }],
        });
        let page = status_page(&document);
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}'),
            "{page}"
        );
        assert_eq!(page.matches("alert(1)").count(), 10);
        assert!(!page.contains("http-equiv=\"refresh\""));
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        let page = status_page(&json!({}));
        for forbidden in [
            "http://", "https://", "src=", "@import", "url(", "<script", "<link",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
