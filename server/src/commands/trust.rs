//! `sealmill trust`: what was imported, and what of it the tenant allows.

use super::{EXIT_DONE, EXIT_REJECTED, complain, say, trust_batch};
use crate::cli::{BatchCommand, TrustArguments, TrustCommand};
use crate::config::Config;
use crate::table::table;
use crate::trust_sources::{self as sources, Centre};
use crate::{assemble, verification};
use anyhow::{Context, bail};
use formats::inspect::ObjectId;
use model::{Clock, SystemClock, TenantId};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Store, TrustKind, TrustSource};
use trust::Cert;
use trust::batch::{self, Batch, Pins};
use trust::list::TrustedList;

/// Runs the command.
pub fn run(arguments: &TrustArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let config = match &arguments.command {
        TrustCommand::Import { config, .. } | TrustCommand::List { config } | TrustCommand::Allow { config, .. } => {
            config
        }
        TrustCommand::Batch { command: BatchCommand::Create { config, input, key, output } } => {
            return trust_batch::create(config.as_deref(), input, key, output, as_json);
        }
    };
    let mut config = Config::load(config)?;
    config.server.name = super::one_off::node_name();
    super::system(&config)?.block_on(Box::pin(work(&config, &arguments.command, as_json)))
}

async fn work(config: &Config, command: &TrustCommand, as_json: bool) -> anyhow::Result<ExitCode> {
    let store = assemble::open_store(config).await?;
    let tenant = assemble::tenant(config)?;
    match command {
        TrustCommand::Import { batch: Some(file), key, name, operator, .. } => {
            import_batch(&store, &tenant, file, key.as_deref(), name.as_deref(), operator).await
        }
        TrustCommand::Import { list: Some(file), signer, through, name, operator, .. } => {
            import_list(&store, &tenant, file, signer, through.as_deref(), name.as_deref(), operator).await
        }
        TrustCommand::Allow { deny, operator, centres, .. } => allow(&store, &tenant, centres, *deny, operator).await,
        _ => list(&store, &tenant, as_json).await,
    }
}

async fn source_of(store: &Store, tenant: &TenantId, name: &str) -> anyhow::Result<Option<TrustSource>> {
    Ok(store.trust_sources(tenant).await?.into_iter().find(|source| source.name == name))
}

async fn import_batch(
    store: &Store,
    tenant: &TenantId,
    file: &Path,
    key: Option<&Path>,
    name: Option<&str>,
    operator: &str,
) -> anyhow::Result<ExitCode> {
    let name = name.unwrap_or("batch");
    let octets = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let known = source_of(store, tenant, name).await?;
    let pins = match (&known, key) {
        (Some(source), None) => sources::pins(&source.keys).context("the pinned keys cannot be read")?,
        (Some(_), Some(_)) => bail!("the key of the source {name:?} is pinned already; only a batch can roll it"),
        (None, Some(file)) => Pins { current: key_digest(file)?, next: None },
        (None, None) => bail!("the first batch needs --key, the certificate with the key that signs batches"),
    };
    let before = match &known {
        Some(source) => {
            let octets = sources::octets(source).context("the earlier batch cannot be read")?;
            Some(Batch::read(&octets, &pins, None)?.batch)
        }
        None => None,
    };
    let signed = match Batch::read(&octets, &pins, before.as_ref().map(|before| before.sequence)) {
        Ok(signed) => signed,
        Err(refused) => {
            complain(&anyhow::anyhow!("the batch is refused: {refused}"));
            return Ok(ExitCode::from(EXIT_REJECTED));
        }
    };
    if !signed.batch.fits(version()) {
        bail!("the batch is for newer servers than this one");
    }
    let now = SystemClock.now();
    for change in batch::difference(before.as_ref(), &signed.batch) {
        say(&format!("{} {}: {}", if change.widens { "!" } else { " " }, change.trust_centre, change.sentence));
    }
    let source = TrustSource {
        name: name.to_owned(),
        kind: TrustKind::Batch,
        sequence: signed.batch.sequence,
        issued_at: signed.batch.issued,
        keys: sources::pins_text(&pins.after(&signed.batch, signed.by)),
        octets: sources::encoded(&octets),
        imported_at: now,
    };
    imported(store, tenant, &source, operator).await
}

async fn import_list(
    store: &Store,
    tenant: &TenantId,
    file: &Path,
    signers: &[PathBuf],
    through: Option<&str>,
    name: Option<&str>,
    operator: &str,
) -> anyhow::Result<ExitCode> {
    let octets = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let all = store.trust_sources(tenant).await?;
    let named = |name: &str| all.iter().find(|source| source.name == name);
    let signers: Vec<Cert> = match (through, signers) {
        (Some(lists), _) => {
            let lists = named(lists).with_context(|| format!("there is no trust source {lists:?}"))?;
            let lists = sources::list(lists).map_err(anyhow::Error::msg)?;
            lists.pointers.into_iter().filter(|pointer| pointer.xml).flat_map(|pointer| pointer.signers).collect()
        }
        (None, []) => {
            let name =
                name.context("the first import of a list needs --signer or --through; a later one its --name")?;
            let source = named(name).with_context(|| format!("there is no trust source {name:?}"))?;
            sources::certificates(&source.keys).context("the certificates of its signers cannot be read")?
        }
        (None, files) => {
            let certificates = verification::certificates(files).map_err(anyhow::Error::msg)?;
            certificates.iter().map(Cert::read).collect::<Result<_, _>>().context("a signer's certificate")?
        }
    };
    let list = match TrustedList::read(&octets, &signers, None) {
        Ok(list) => list,
        Err(refused) => {
            complain(&anyhow::anyhow!("the list is refused: {refused}"));
            return Ok(ExitCode::from(EXIT_REJECTED));
        }
    };
    let now = SystemClock.now();
    if list.is_stale(now) {
        say("! a newer issue of the list should have come by now");
    }
    let source = TrustSource {
        name: name.map_or_else(|| list.territory.clone(), str::to_owned),
        kind: TrustKind::List,
        sequence: list.sequence,
        issued_at: list.issued,
        keys: sources::certificates_text(&signers),
        octets: sources::encoded(&octets),
        imported_at: now,
    };
    imported(store, tenant, &source, operator).await
}

async fn imported(store: &Store, tenant: &TenantId, source: &TrustSource, operator: &str) -> anyhow::Result<ExitCode> {
    if store.import_trust(tenant, source, operator).await? {
        say(&format!("{} {:?} is imported with number {}", source.kind.word(), source.name, source.sequence));
        return Ok(ExitCode::from(EXIT_DONE));
    }
    let what = format!("number {} or a newer one of {:?} is there already", source.sequence, source.name);
    complain(&anyhow::anyhow!(what));
    Ok(ExitCode::from(EXIT_REJECTED))
}

async fn list(store: &Store, tenant: &TenantId, as_json: bool) -> anyhow::Result<ExitCode> {
    let centres = sources::centres(store, tenant).await?;
    let words = |centre: &Centre| match centre.allowed {
        true => "allowed",
        false => "-",
    };
    if as_json {
        for centre in &centres {
            let line = json!({
                "source": centre.source, "centre": centre.name, "allowed": centre.allowed,
                "certificates": centre.anchors.iter().map(|anchor| anchor.certificate.name()).collect::<Vec<_>>(),
            });
            say(&line.to_string());
        }
    } else {
        let row = |centre: &Centre| {
            let count = centre.anchors.len().to_string();
            vec![centre.source.clone(), centre.name.clone(), count, words(centre).to_owned()]
        };
        let rows: Vec<_> = centres.iter().map(row).collect();
        say(table(&["source", "trust centre", "anchors", "allowed"], &rows).trim_end());
    }
    Ok(ExitCode::from(EXIT_DONE))
}

async fn allow(
    store: &Store,
    tenant: &TenantId,
    wanted: &[String],
    deny: bool,
    operator: &str,
) -> anyhow::Result<ExitCode> {
    let centres = sources::centres(store, tenant).await?;
    for wanted in wanted {
        let (source, centre) = wanted.split_once('/').unwrap_or((wanted, sources::ALL));
        let there = |known: &Centre| known.source == source && (centre == sources::ALL || known.name == centre);
        if !deny && !centres.iter().any(there) {
            bail!("there is no trust centre {wanted:?}; `sealmill trust list` shows all");
        }
        let now = SystemClock.now();
        let changed = match deny {
            true => store.deny_trust(tenant, source, centre, operator, now).await?,
            false => store.allow_trust(tenant, source, centre, operator, now).await?,
        };
        say(&format!(
            "{wanted}: {}",
            match (deny, changed) {
                (false, true) => "allowed",
                (false, false) => "was allowed already",
                (true, true) => "not allowed any more",
                (true, false) => "was not allowed",
            }
        ));
    }
    Ok(ExitCode::from(EXIT_DONE))
}

fn key_digest(file: &Path) -> anyhow::Result<[u8; 32]> {
    let certificates = verification::certificates(&[file.to_path_buf()]).map_err(anyhow::Error::msg)?;
    let [der] = certificates.as_slice() else { bail!("{} must hold one certificate", file.display()) };
    let certificate = Cert::read(der).context("the certificate cannot be read")?;
    Ok(ObjectId::of(certificate.fields()?.public_key.raw).0)
}

/// The version of this server.
fn version() -> (u32, u32, u32) {
    let mut parts = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}
