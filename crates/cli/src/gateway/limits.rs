//! `palisade gateway limits`: the limits of a running gateway, by its admin socket.
//!
//! The gateway records `clear` and `override` in its audit trail.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::admin::{Place, array_elements};
use crate::{
    failure::Failure,
    limits::{ValueArguments, override_description},
    output,
};

/// What to do with limits.
#[derive(Subcommand)]
pub(super) enum Limits {
    /// Print what is left of each limit, as JSON
    Show(LimitsOf),
    /// Make the limits full again
    Clear(LimitsOf),
    /// Give one subject another amount of a limit, or remove that
    ///
    /// It applies at once, and with a shared store on every node within eleven seconds. Units that were used stay
    /// used. It is recorded in the audit trail.
    Override(Override),
    /// Print who was refused most by this gateway, of those refused in the last 24 hours
    Top(Top),
}

/// Whose limits.
#[derive(Args)]
pub(super) struct LimitsOf {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    subject: Subject,
}

/// Another amount for a subject.
#[derive(Args)]
pub(super) struct Override {
    #[command(flatten)]
    of: LimitsOf,
    /// Name of the limit, with its window if it has several rates, such as api-day
    #[arg(long, value_name = "NAME")]
    limit: String,
    #[command(flatten)]
    value: ValueArguments,
}

/// How many subjects to print.
#[derive(Args)]
pub(super) struct Top {
    #[command(flatten)]
    place: Place,
    /// How many subjects to print
    #[arg(long, value_name = "COUNT", default_value = "20", value_parser = clap::value_parser!(u8).range(1..=128))]
    most: u8,
    /// Prints the JSON document of the gateway
    #[arg(long)]
    json: bool,
}

/// One of the three kinds of subjects.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// Client by its address
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// Principal with its kind, such as api_key:anna
    #[arg(long, value_name = "KIND:ID")]
    principal: Option<String>,
    /// Owner of principals
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
}

impl Limits {
    /// Does what is asked.
    ///
    /// # Errors
    ///
    /// Exit code 1: there is no such limit, or its store does not reply. Exit code 2: no gateway answers.
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Show(of) => of.run("show"),
            Self::Clear(of) => of.run("clear"),
            Self::Override(command) => command.run(),
            Self::Top(command) => command.run(),
        }
    }
}

impl LimitsOf {
    /// Shows or clears.
    ///
    /// # Errors
    ///
    /// As [`Limits::run`].
    fn run(&self, word: &str) -> Result<(), Failure> {
        let command = format!("limits {word} {}", self.subject.protocol_words());
        let document = self.place.send_command(&command)?;
        let text = match document.get("limits") {
            Some(limits) => limits.to_string(),
            None => "Cleared.".to_owned(),
        };
        Ok(output::print_result(text)?)
    }
}

impl Override {
    /// Sets or removes.
    ///
    /// # Errors
    ///
    /// As [`Limits::run`], and exit code 2 if the end is in the past.
    fn run(&self) -> Result<(), Failure> {
        let value = self.value.value()?;
        let words = match value {
            None => "none".to_owned(),
            Some(value) => match value.ends() {
                None => value.amount().to_string(),
                Some(ends) => format!("{} {}", value.amount(), ends.as_secs()),
            },
        };
        let (subject, limit) = (self.of.subject.protocol_words(), &self.limit);
        let command = format!("limits override {subject} {limit} {words}");
        self.of.place.send_command(&command)?;
        Ok(output::print_result(override_description(value))?)
    }
}

impl Top {
    /// Prints a table, or the document.
    ///
    /// # Errors
    ///
    /// As [`Limits::run`].
    fn run(&self) -> Result<(), Failure> {
        let document = self
            .place
            .send_command(&format!("limits top {}", self.most))?;
        let text = match self.json {
            true => document.to_string(),
            false => table(&document),
        };
        Ok(output::print_result(text)?)
    }
}

impl Subject {
    /// The words of the protocol. clap guarantees that one of the three is given.
    fn protocol_words(&self) -> String {
        match (self.client, &self.principal, &self.owner) {
            (Some(ip), _, _) => format!("client {ip}"),
            (None, Some(principal), _) => format!("principal {principal}"),
            (None, None, owner) => format!("owner {}", owner.as_deref().unwrap_or_default()),
        }
    }
}

/// One line for each subject.
fn table(document: &Value) -> String {
    let head = ["LIMIT", "SUBJECT", "REFUSED"].map(str::to_owned);
    let row = |refused: &Value| {
        let text = |name: &str| {
            let text = refused.get(name).and_then(Value::as_str).unwrap_or("?");
            output::escape_control(text)
        };
        let count = refused.get("refused").map(Value::to_string);
        [text("limit"), text("subject"), count.unwrap_or_default()]
    };
    let rows: Vec<[String; 3]> = std::iter::once(head)
        .chain(array_elements(document.get("refused")).map(row))
        .collect();
    output::format_table(&rows)
}
