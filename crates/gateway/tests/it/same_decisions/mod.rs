//! One configuration, three places: `Shield` around an axum router, `Shield` around tonic's, and the gateway before Flask.
//! Each of the same requests has the same decision, the same code, and one audit record of the same content.

mod requests;
mod stacks;

use std::collections::BTreeMap;

use serde_json::Value;

use self::{
    requests::{Case, cases},
    stacks::{Stack, prepare_folder, records_in, start_axum, start_gateway, start_tonic},
};
use crate::client::status;

/// What a client and the audit trail see of one request.
#[derive(Clone, Debug, PartialEq)]
struct Decision {
    status: u16,
    /// The code of the problem document, or the status of gRPC. Empty: it was admitted.
    code: String,
    /// What an inner service got.
    reached: String,
}

impl Decision {
    fn of(response: &str) -> Self {
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
        let head = head.to_ascii_lowercase();
        let problem = body.find('{').and_then(|begin| {
            let end = body.rfind('}')?;
            serde_json::from_str::<Value>(body.get(begin..=end)?).ok()
        });
        let code = problem
            .as_ref()
            .filter(|_| head.contains("application/problem+json"))
            .and_then(|problem| problem["code"].as_str());
        let grpc = head
            .lines()
            .find_map(|line| line.strip_prefix("grpc-status: "));
        let code = code
            .map(str::to_owned)
            .or(grpc.map(|code| format!("grpc {code}")));
        Self {
            status: status(response),
            reached: match code {
                Some(_) => String::new(),
                None => body.trim().to_owned(),
            },
            code: code.unwrap_or_default(),
        }
    }

    /// Returns it as tonic has it: its inner service knows no method of the table.
    fn in_tonic(&self) -> Self {
        match self.code.is_empty() {
            true => Self {
                status: 200,
                code: "grpc 12".to_owned(),
                reached: String::new(),
            },
            false => self.clone(),
        }
    }
}

/// Returns how often the trail has each decision: route, guard, code and principal, and how many requests it records.
/// Refusals of one kind that are repeated are one record and a count.
fn recorded(records: &[Value]) -> (BTreeMap<String, u64>, u64) {
    let mut decisions = BTreeMap::new();
    for record in records {
        let count = record["count"].as_u64().unwrap_or(1);
        let decision = match (&record["refused"][0], &record["type"]) {
            (Value::Null, kind) if kind == "request" => {
                format!(
                    "{} {} {}",
                    record["route"], record["status"], record["principal"]
                )
            }
            (Value::Null, _) => format!("{} {}", record["guard"], record["code"]),
            (refusal, _) => format!("{} {}", refusal["guard"], refusal["code"]),
        };
        *decisions.entry(decision).or_default() += count;
    }
    let all = decisions.values().sum();
    (decisions, all)
}

/// Sends all requests to one stack, and returns its decisions and its records.
async fn run_cases(stack: Stack, cases: &[Case]) -> (Vec<Decision>, Vec<Value>) {
    let mut decisions = Vec::new();
    for case in cases {
        decisions.push(Decision::of(&stack.send(&case.request).await));
    }
    let folder = stack.stop().await;
    (decisions, records_in(&folder))
}

#[tokio::test]
async fn the_same_requests_have_the_same_decisions_in_axum_in_tonic_and_in_the_gateway() {
    let cases = cases();
    assert!(cases.len() >= 80, "{}", cases.len());
    let keys = prepare_folder();
    let (axum, axum_records) = run_cases(start_axum(&keys), &cases).await;
    let expected = cases.iter().map(|case| (case.status, case.code));
    let is_other = |(_, decision, expected): &(&Case, &Decision, (u16, &str))| {
        (decision.status, decision.code.as_str()) != *expected
    };
    let others: Vec<String> = cases
        .iter()
        .zip(&axum)
        .zip(expected)
        .map(|((case, decision), expected)| (case, decision, expected))
        .filter(is_other)
        .map(|(case, decision, _)| format!("{}: {decision:?}", case.request))
        .collect();
    assert_eq!(others, [""; 0], "other decisions than those of the table");
    let (tonic, tonic_records) = run_cases(start_tonic(&keys), &cases).await;
    let of_axum = axum.iter().map(Decision::in_tonic);
    for ((case, tonic), axum) in cases.iter().zip(&tonic).zip(of_axum) {
        assert_eq!(tonic, &axum, "tonic: {}", case.request);
    }
    let (in_axum, all) = recorded(&axum_records);
    assert_eq!(all, cases.len() as u64, "one record each: {in_axum:#?}");
    assert_eq!(recorded(&tonic_records), (in_axum.clone(), all));
    let Some(gateway) = start_gateway(&keys).await else {
        return;
    };
    let (gateway, gateway_records) = run_cases(gateway, &cases).await;
    for ((case, gateway), axum) in cases.iter().zip(&gateway).zip(&axum) {
        assert_eq!(gateway, axum, "gateway: {}", case.request);
    }
    assert_eq!(recorded(&gateway_records), (in_axum, all));
}
