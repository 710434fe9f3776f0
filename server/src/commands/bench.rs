//! `sealmill bench`: what each configured signer can do, and what a pool of them does, so that an operator can choose pool
//! sizes.

use super::say;
use crate::assemble;
use crate::cli::Bench;
use crate::config::Config;
use crate::table::table;
use actors::services::Services;
use anyhow::bail;
use model::profile::PoolName;
use model::{Digest, Lane, SignatureAlgorithm, ToBeSigned};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Runs the command.
pub fn run(arguments: &Bench, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(&arguments.config)?;
    config.directory.clear();
    config.server.name = super::one_off::node_name();
    if !(0.01..=600.0).contains(&arguments.seconds) {
        bail!("--seconds must be between 0.01 and 600");
    }
    // One pool for each signer shows its raw rate; the configured pools follow.
    let mut rows = Vec::new();
    let mut sessions = 1;
    while sessions <= arguments.sessions_max.clamp(1, model::limits::SESSIONS_PER_TOKEN_MAX) {
        super::system(&config)?.block_on(measure(&config, sessions, arguments.seconds, &mut rows))?;
        sessions *= 2;
    }
    rows.sort_by(|a, b| (&a.kind, &a.name, a.sessions).cmp(&(&b.kind, &b.name, b.sessions)));
    if as_json {
        for row in &rows {
            say(&json!({ row.kind: row.name, "key": row.key, "sessions": row.sessions, "per_second": row.rate })
                .to_string());
        }
    } else {
        let cells = |row: &Row| {
            let what = format!("{} {}", row.kind, row.name);
            vec![what, row.key.clone(), row.sessions.to_string(), format!("{:.0}", row.rate)]
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        say(table(&["", "key", "sessions each", "signatures per second"], &rows).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

struct Row {
    kind: &'static str,
    name: String,
    key: String,
    sessions: usize,
    rate: f64,
}

async fn measure(config: &Config, sessions: usize, seconds: f64, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let store = assemble::open_store(config).await?;
    let (mut setup, _broken) = assemble::setup(config, store, &[])?;
    let configured: Vec<_> =
        setup.pools.iter().map(|(name, _)| (name.clone(), super::submit::tokens_of(&setup, name))).collect();
    let mut single = Vec::new();
    for token in &mut setup.tokens {
        token.settings.sessions = sessions;
        for signer in &token.settings.signers {
            // A blank keeps these names apart from all that a person would give a pool.
            let pool = PoolName(format!("signer {}", signer.name).into());
            setup.pools.push((pool.clone(), vec![signer.name.clone()]));
            single.push((pool, signer.name.to_string(), [token.settings.serial.clone()]));
        }
    }
    let running = Services::start(setup);
    for (pool, signer, tokens) in &single {
        if let Err(error) = super::submit::ready(&running, pool, tokens).await {
            tracing::warn!(signer, %error, "not measured");
            continue;
        }
        let (rate, key) = rate(&running.services, pool, seconds).await?;
        rows.push(Row { kind: "signer", name: signer.clone(), key, sessions, rate });
    }
    for (pool, tokens) in &configured {
        if super::submit::ready(&running, pool, tokens).await.is_ok() {
            let (rate, key) = rate(&running.services, pool, seconds).await?;
            rows.push(Row { kind: "pool", name: pool.to_string(), key, sessions, rate });
        }
    }
    running.shut_down(Duration::from_secs(5)).await;
    Ok(())
}

/// Keeps every place of the pool taken for a while and counts.
async fn rate(services: &Arc<Services>, pool: &PoolName, seconds: f64) -> anyhow::Result<(f64, String)> {
    let signed = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let kinds = Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let mut tasks = Vec::new();
    for _ in 0..model::limits::DOCUMENTS_IN_FLIGHT_MAX {
        let (services, pool, signed, stop, kinds) =
            (services.clone(), pool.clone(), signed.clone(), stop.clone(), kinds.clone());
        tasks.push(tokio::spawn(async move {
            let patience = Duration::from_secs(60);
            let mut first = true;
            while !stop.load(Ordering::Relaxed) {
                let assignment = services.router.choose(&pool, Lane::Batch, None, patience).await?;
                let Some(ready) = assignment.ready().cloned() else { continue };
                if std::mem::take(&mut first)
                    && let Ok(mut kinds) = kinds.lock()
                {
                    kinds.insert(ready.signer.key.to_string());
                }
                let to_be_signed = something_to_sign(ready.signer.key)?;
                assignment.sign(ready.key, to_be_signed, patience).await?;
                signed.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }));
    }
    // The first signature pays for what is set up once.
    let called = Instant::now();
    while signed.load(Ordering::Relaxed) == 0 && called.elapsed() < FIRST_PATIENCE {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds / 5.0)).await; // everybody has started
    let (before, started) = (signed.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let (after, took) = (signed.load(Ordering::Relaxed), started.elapsed());
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    let kinds = kinds.lock().map(|kinds| kinds.iter().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default();
    Ok(((after - before) as f64 / took.as_secs_f64(), kinds))
}

fn something_to_sign(key: model::KeyKind) -> anyhow::Result<ToBeSigned> {
    let algorithm = SignatureAlgorithm::for_key(key, model::DigestAlgorithm::Sha256, false);
    if algorithm.scheme.signs_message() {
        return Ok(ToBeSigned::Message { algorithm, message: vec![0x31; 200] });
    }
    let Some(digest) = Digest::new(algorithm.digest, &[0x5a; 32]) else { bail!("a digest of the wrong length") };
    Ok(ToBeSigned::Digest { algorithm, digest })
}

const FIRST_PATIENCE: Duration = Duration::from_secs(10);
