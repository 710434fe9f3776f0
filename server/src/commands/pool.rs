//! `sealmill pool`: what the tokens of a running server do, and other sizes and weights for them while they work.

use super::call::Call;
use super::{EXIT_DONE, say};
use crate::cli::{PoolArguments, PoolCommand, Resize, Watch};
use crate::table::table;
use anyhow::bail;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Runs the command.
pub fn run(arguments: &PoolArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments.command {
        PoolCommand::Watch(watch) => runtime.block_on(show(watch, as_json))?,
        PoolCommand::Resize(resize) => runtime.block_on(change(resize, as_json))?,
    }
    Ok(ExitCode::from(EXIT_DONE))
}

async fn show(arguments: &Watch, as_json: bool) -> anyhow::Result<()> {
    if !arguments.interval_s.is_finite() || arguments.interval_s < 0.1 {
        bail!("--interval-s must be at least 0.1");
    }
    let call = Call::new(&arguments.call)?;
    let mut before: Option<(Instant, HashMap<String, u64>)> = None;
    loop {
        let answer = call.ask("getTokenPool", &json!({})).await?;
        let now = Instant::now();
        if as_json {
            say(&answer.to_string());
        } else {
            let passed = before.as_ref().map(|(at, signed)| (now - *at, signed));
            // From the upper left corner on, so that the numbers stand still.
            let clear = if std::io::stdout().is_terminal() && !arguments.once { "\x1b[2J\x1b[H" } else { "" };
            say(&format!("{clear}{}", tokens(&answer, passed)));
        }
        before = Some((now, signed(&answer)));
        if arguments.once {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs_f64(arguments.interval_s)).await;
    }
}

async fn change(arguments: &Resize, as_json: bool) -> anyhow::Result<()> {
    let mut request = Map::new();
    let numbers = [
        ("sessions", arguments.sessions),
        ("weight", arguments.weight),
        ("interactiveShare", arguments.interactive_share),
        ("tenantDocumentsMax", arguments.tenant_documents_max),
        ("tenantWeight", arguments.tenant_weight),
    ];
    if let Some(token) = &arguments.token {
        request.insert("token".to_owned(), token.as_str().into());
    }
    request.extend(numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    let answer = Call::new(&arguments.call)?.ask("resizeTokenPool", &Value::Object(request)).await?;
    if as_json {
        say(&answer.to_string());
    } else {
        let list = answer.get("Token").cloned().into_iter().collect::<Vec<_>>();
        let shown =
            json!({ "Tokens": list, "Caps": answer.get("Caps"), "InteractiveShare": answer.get("InteractiveShare") });
        say(&tokens(&shown, None));
    }
    Ok(())
}

/// Signatures since the server's start, by token.
fn signed(answer: &Value) -> HashMap<String, u64> {
    let entry = |token: &Value| Some((token["Name"].as_str()?.to_owned(), token["Signed"].as_u64()?));
    list(answer, "Tokens").iter().filter_map(entry).collect()
}

fn list<'v>(answer: &'v Value, name: &str) -> &'v [Value] {
    answer.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn tokens(answer: &Value, before: Option<(Duration, &HashMap<String, u64>)>) -> String {
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows: Vec<Vec<String>> = list(answer, "Tokens")
        .iter()
        .map(|token| {
            let rate = before.and_then(|(passed, signed)| {
                let then = signed.get(token["Name"].as_str()?)?;
                Some(token["Signed"].as_u64()?.saturating_sub(*then) as f64 / passed.as_secs_f64())
            });
            let median = token["MedianMicros"].as_f64().map(|micros| format!("{:.1}", micros / 1e3));
            vec![
                text(&token["Name"]),
                text(&token["State"]),
                format!("{}/{}", text(&token["Sessions"]), text(&token["SessionsWanted"])),
                text(&token["Weight"]),
                text(&token["Waiting"]),
                rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
                text(&token["PerMinute"]),
                median.unwrap_or_else(|| "-".to_owned()),
                text(&token["Signed"]),
                text(&token["Failed"]),
                text(&token["Reason"]),
            ]
        })
        .collect();
    let mut shown = table(&HEADER, &rows);
    for cap in list(answer, "Caps") {
        let (tenant, documents, most) = (&cap["Tenant"], &cap["Documents"], &cap["DocumentsMax"]);
        let line =
            format!("tenant {}: {} of at most {} documents, weight {}\n", text(tenant), documents, most, cap["Weight"]);
        shown.push_str(&line);
    }
    if let Some(share) = answer.get("InteractiveShare").and_then(Value::as_u64) {
        shown.push_str(&format!("{share} % of the places are kept for callers who wait\n"));
    }
    shown.trim_end().to_owned()
}

const HEADER: [&str; 11] =
    ["token", "state", "sessions", "weight", "waiting", "per s", "last min", "median ms", "signed", "failed", "reason"];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rates_are_what_was_signed_between_two_looks() {
        let answer = json!({"Tokens": [
            {"Name": "soft:a", "State": "ready", "Sessions": 2, "SessionsWanted": 4, "Weight": 100, "Waiting": 1,
             "Signed": 150, "PerMinute": 90, "Failed": 0, "MedianMicros": 1500},
            {"Name": "card", "State": "blocked", "Reason": "the PIN was refused", "Sessions": 0, "SessionsWanted": 1,
             "Weight": 100, "Waiting": 0, "Signed": 0, "PerMinute": 0, "Failed": 1}
        ], "Caps": [{"Tenant": "main", "DocumentsMax": 256, "Documents": 3, "Weight": 100}], "InteractiveShare": 20});
        let before = HashMap::from([("soft:a".to_owned(), 100)]);
        let shown = tokens(&answer, Some((Duration::from_secs(2), &before)));
        let line = shown.lines().find(|line| line.contains("soft:a")).unwrap();
        assert!(line.contains("2/4") && line.contains("25.0") && line.contains("1.5"), "{shown}");
        assert!(shown.contains("the PIN was refused") && shown.contains("3 of at most 256"), "{shown}");
        assert_eq!(signed(&answer)["soft:a"], 150);
    }
}
