//! `palisade gateway status`, `reload` and `drain`: a running gateway, by its admin socket.
//!
//! The socket is that of `[admin]` in the gateway's file. Exit codes: 0 done; 1 the gateway refused, with
//! its reason; 2 no gateway answers.

use std::path::{Path, PathBuf};

use clap::Args;
use palisade_gateway::{Settings, ask_admin, status_page};
use palisade_internal::private_file;
use serde_json::Value;

use crate::{failure::Failure, output};

/// Where the running gateway listens.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Place {
    /// Admin socket of the gateway
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
    /// Configuration file of the gateway, whose `[admin]` names the socket
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The command of a gateway without words of its own.
#[derive(Args)]
pub(super) struct Plain {
    #[command(flatten)]
    place: Place,
}

/// What a gateway does, as a table or as JSON.
#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    place: Place,
    /// Prints the JSON document of the gateway
    #[arg(long)]
    json: bool,
    /// Writes a page for a browser to this file: traffic, refusals, top principals, upstreams
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

impl Place {
    /// Sends a command and returns the document.
    ///
    /// # Errors
    ///
    /// Exit code 2 if no gateway answers; exit code 1 if it refuses.
    pub(super) fn send_command(&self, command: &str) -> Result<Value, Failure> {
        let text = ask_admin(self.socket_path()?, command)?;
        let document: Value = serde_json::from_str(&text)?;
        match document.get("error").and_then(Value::as_str) {
            None => Ok(document),
            Some(problem) => {
                output::print_note(format_args!("refused: {problem}"));
                Err(Failure::No)
            }
        }
    }

    fn socket_path(&self) -> Result<PathBuf, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        let file = self.config.clone().unwrap_or_default();
        let settings = Settings::read(&file)?;
        let socket = settings.admin_socket().map(PathBuf::from);
        let missing = || {
            Failure::new(format_args!(
                "{}: it has no admin socket; add `[admin]` with `socket = \"admin.sock\"`",
                file.display()
            ))
        };
        socket.ok_or_else(missing)
    }
}

impl Plain {
    /// Tells the gateway to stop, as SIGTERM does.
    ///
    /// # Errors
    ///
    /// Exit code 1: the gateway refused. Exit code 2: no gateway answers.
    pub(super) fn drain(&self) -> Result<(), Failure> {
        self.place.send_command("drain")?;
        Ok(output::print_result(
            "The gateway stops: open requests are finished first.",
        )?)
    }

    /// Tells the gateway to read its file again, and prints what changed.
    ///
    /// # Errors
    ///
    /// Exit code 1: the file has a mistake, and the gateway goes on with the old one. Exit code 2: no gateway
    /// answers.
    pub(super) fn reload(&self) -> Result<(), Failure> {
        let document = self.place.send_command("reload")?;
        let changed = string_list(document.get("changed"));
        let text = match changed.as_slice() {
            [] => "the file says the same; keys and certificate were read again".to_owned(),
            changed => changed.join(", "),
        };
        Ok(output::print_result(format_args!("Reloaded: {text}."))?)
    }
}

impl Status {
    /// Prints the state of the upstreams.
    ///
    /// # Errors
    ///
    /// Exit code 1: the gateway refused. Exit code 2: no gateway answers.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let document = self.place.send_command("status")?;
        if let Some(file) = &self.html {
            return write_page(file, &document);
        }
        let text = match self.json {
            true => document.to_string(),
            false => server_table(&document),
        };
        Ok(output::print_result(text)?)
    }
}

/// Writes the page for this user alone: it names principals.
///
/// # Errors
///
/// The file cannot be written.
fn write_page(file: &Path, document: &Value) -> Result<(), Failure> {
    private_file::replace(file, status_page(document).as_bytes()).map_err(|error| {
        Failure::new(format_args!(
            "{}: cannot be written: {error}",
            file.display()
        ))
    })?;
    Ok(output::print_result(format_args!(
        "The page is in {}.",
        file.display()
    ))?)
}

/// One line for each server.
fn server_table(document: &Value) -> String {
    let head = ["SERVER", "PATH", "HEALTH", "BREAKER", "PENDING"].map(str::to_owned);
    let mut rows = vec![head];
    for upstream in array_elements(document.get("upstreams")) {
        let path = match upstream.get("path").and_then(Value::as_str) {
            None | Some("") => "/",
            Some(path) => path,
        };
        for server in array_elements(upstream.get("servers")) {
            let text = |name: &str| server.get(name).and_then(Value::as_str).unwrap_or("?");
            let is_healthy = server.get("healthy").and_then(Value::as_bool) == Some(true);
            rows.push([
                text("address").to_owned(),
                path.to_owned(),
                if is_healthy { "healthy" } else { "unhealthy" }.to_owned(),
                text("breaker").to_owned(),
                server
                    .get("pending")
                    .map(Value::to_string)
                    .unwrap_or_default(),
            ]);
        }
    }
    let websockets = document
        .get("websockets")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let draining = match document.get("draining").and_then(Value::as_bool) {
        Some(true) => "\nThe gateway is stopping.",
        _ => "",
    };
    format!(
        "{}\nOpen WebSockets: {websockets}{draining}{}",
        output::format_table(&rows).trim_end(),
        shadow_table(document)
    )
}

/// What rules in shadow would have refused. Empty if there is nothing.
fn shadow_table(document: &Value) -> String {
    let mut rows = vec![["TIMES", "GUARD", "CODE", "ROUTE"].map(str::to_owned)];
    for row in array_elements(document.get("would_refuse")) {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or("?");
        rows.push([
            row.get("count").map(Value::to_string).unwrap_or_default(),
            text("guard").to_owned(),
            text("code").to_owned(),
            text("route").to_owned(),
        ]);
    }
    match rows.len() {
        1 => String::new(),
        _ => format!(
            "\n\nWould be refused without shadow:\n{}",
            output::format_table(&rows).trim_end()
        ),
    }
}

/// The elements of an array. None for anything else.
pub(super) fn array_elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// The strings of an array.
fn string_list(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    array_elements(value).filter_map(text).collect()
}
