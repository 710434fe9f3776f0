//! How many signed files a second does sealmill judge? Signs them first, judges them on all cores with warm caches, and
//! beside it an ideal program, pyHanko or xmlsec1 on the same files. What is measured is the judgement, as `sealmill verify`
//! makes it for its table: no report is written, and the digest of the file, which only reports name, is not computed.
//!
//! The ideal program reads each file, makes one SHA-256 pass, and checks three raw signatures: the document's, that of
//! the signer's certificate by its CA, that of the CA by the root. No parsing, no path, no revocation, no report.

use crate::limit::{Lap, cores, on_threads};
use crate::{Content, documents, home};
use actors::document::{Document, Origin};
use actors::verification::{Verification, facts};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use formats::evidence::Evidence;
use formats::inspect::Input;
use formats::recipe::Assembled;
use formats::{SignerTemplate, Source, prepare};
use model::profile::{Format, XmlShape};
use model::{Clock, Profile, SignatureValue, Signer, SignerName, SystemClock, TokenSerial};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use testkit::pki::{Identity, KeyKind};
use testkit::world::{Issuer, World};
use trust::path::Anchors;
use trust::report::Indication;
use trust::{Anchor, Cert, Policy};

/// `verify`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// Number of documents, each different.
    #[arg(long, default_value_t = 2_000)]
    documents: usize,
    /// Length of each, in bytes: 100 000, XML 20 000.
    #[arg(long)]
    size: Option<usize>,
    /// How they are signed.
    #[arg(long, value_enum, default_value = "cades")]
    profile: Signed,
    /// Kind of the signer's key. The authorities have P-256 keys.
    #[arg(long, value_enum, default_value = "p256")]
    key: VerifyKey,
    /// How many files the peer judges: pyHanko for CAdES and PAdES, xmlsec1 for XAdES. 0: none.
    #[arg(long, default_value_t = 200)]
    peer_documents: usize,
    /// Make the files in this folder; without it in the folder for temporary files.
    #[arg(long)]
    home: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Signed {
    /// CAdES B-B around its content.
    Cades,
    /// PAdES B-B.
    Pades,
    /// XAdES B-B, enveloped.
    Xades,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VerifyKey {
    Rsa2048,
    Rsa3072,
    P256,
}

/// One program on all files.
#[derive(Clone, Copy, Debug, Serialize)]
struct Rate {
    documents: usize,
    per_second: f64,
    /// Processor time for one document, in microseconds; `None` for other programs.
    cpu_micros: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    profile: String,
    bytes: usize,
    limit_before: Rate,
    sealmill: Rate,
    limit_after: Rate,
    peer_name: Option<&'static str>,
    peer: Option<Rate>,
    ratio_to_limit: f64,
    ratio_by_cpu: f64,
    ratio_to_peer: Option<f64>,
}

/// Runs it.
pub(crate) fn run(arguments: &Verify) -> Result<String> {
    if arguments.documents == 0 {
        bail!("--documents must be at least 1");
    }
    let world = World::offline()?;
    let identity = world.signer(match arguments.key {
        VerifyKey::Rsa2048 => KeyKind::Rsa2048,
        VerifyKey::Rsa3072 => KeyKind::Rsa3072,
        VerifyKey::P256 => KeyKind::P256,
    })?;
    let home = match &arguments.home {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let (plain, signed) = (home.path().join("plain"), home.path().join("signed"));
    std::fs::create_dir(&plain)?;
    std::fs::create_dir(&signed)?;
    let (content, usual) = match arguments.profile {
        Signed::Cades => (Content::Random, 100_000),
        Signed::Pades => (Content::Pdf, 100_000),
        Signed::Xades => (Content::Xml, 20_000),
    };
    let bytes = arguments.size.unwrap_or(usual);
    documents::make(&plain, arguments.documents, bytes, content)?;
    sign_all(&identity, arguments.profile, &plain, &signed)?;
    let files = home::files(&signed)?;

    let limit_before = limit(&world, &identity, &files)?;
    let sealmill = judge_all(&world, &identity, &files)?;
    let limit_after = limit(&world, &identity, &files)?;
    let some: Vec<PathBuf> = files.iter().take(arguments.peer_documents).cloned().collect();
    let peer = (!some.is_empty()).then(|| peer(arguments.profile, &world, &some)).transpose()?;
    let mean = |of: fn(&Rate) -> f64| (of(&limit_before) + of(&limit_after)) / 2.0;
    let report = Report {
        profile: format!("{:?} B-B, {:?}", arguments.profile, arguments.key),
        bytes,
        ratio_to_limit: sealmill.per_second / mean(|rate| rate.per_second),
        ratio_by_cpu: mean(|rate| rate.cpu_micros.unwrap_or(0.0)) / sealmill.cpu_micros.unwrap_or(f64::INFINITY),
        ratio_to_peer: peer.as_ref().map(|(_, peer)| sealmill.per_second / peer.per_second),
        peer_name: peer.as_ref().map(|(name, _)| *name),
        peer: peer.map(|(_, rate)| rate),
        limit_before,
        sealmill,
        limit_after,
    };
    if arguments.json { Ok(format!("{}\n", serde_json::to_string(&report)?)) } else { Ok(report.table()) }
}

impl Report {
    fn table(&self) -> String {
        let row = |name: &str, rate: &Rate| {
            let cpu = rate.cpu_micros.map_or_else(|| "-".to_owned(), |micros| format!("{micros:.0}"));
            format!("{name:<14}{:>10}{:>14.1}{cpu:>14}\n", rate.documents, rate.per_second)
        };
        let mut text = format!(
            "{}, {} bytes, {} cores\n{:<14}{:>10}{:>14}{:>14}\n",
            self.profile,
            self.bytes,
            cores(),
            "",
            "documents",
            "per second",
            "CPU us each"
        );
        text += &row("limit", &self.limit_before);
        text += &row("sealmill", &self.sealmill);
        text += &row("limit", &self.limit_after);
        if let (Some(name), Some(peer)) = (self.peer_name, &self.peer) {
            text += &row(name, peer);
        }
        text += &format!("ratio to the limit: {:.2} ({:.2} by CPU)\n", self.ratio_to_limit, self.ratio_by_cpu);
        if let Some(ratio) = self.ratio_to_peer {
            text += &format!("ratio to {}: {ratio:.0}\n", self.peer_name.unwrap_or("the peer"));
        }
        text
    }
}

fn sign_all(identity: &Identity, form: Signed, from: &Path, to: &Path) -> Result<()> {
    let format = match form {
        Signed::Cades => Format::Cades { detached: false },
        Signed::Pades => Format::Pades,
        Signed::Xades => Format::Xades(XmlShape::Enveloped),
    };
    let mut certificates = identity.chain_der().into_iter();
    let key = match identity.kind() {
        KeyKind::Rsa2048 => model::KeyKind::Rsa { bits: 2048 },
        KeyKind::Rsa3072 => model::KeyKind::Rsa { bits: 3072 },
        _ => model::KeyKind::Ec(model::Curve::P256),
    };
    let signer = Signer {
        name: SignerName("load".into()),
        token: TokenSerial("soft:load".into()),
        certificate: certificates.next().context("a certificate")?.into(),
        chain: certificates.map(Into::into).collect(),
        key,
        subject: identity.common_name(),
    };
    let profile = Profile::plain("load", "load", format);
    let template = SignerTemplate::new(&signer, &profile)?;
    let files = home::files(from)?;
    let next = AtomicUsize::new(0);
    on_threads(cores(), |_| {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let document = std::fs::read(path)?;
            let prepared = prepare(&document, &profile, &template, SystemClock.now())?;
            let value = SignatureValue(identity.sign_digest(prepared.to_be_signed().as_bytes())?);
            let sealed = prepared.assemble(&value)?;
            let assembled = Assembled::new(&sealed.document().parts, &document);
            let mut bytes = vec![0; usize::try_from(Source::len(&assembled))?];
            assembled.read_exact_at(0, &mut bytes)?;
            std::fs::write(to.join(path.file_name().context("a file has a name")?), bytes)?;
        }
        Ok(())
    })
    .map(drop)
}

/// Judges every file as `sealmill verify` does; each must pass.
fn judge_all(world: &World, identity: &Identity, files: &[PathBuf]) -> Result<Rate> {
    let root = Cert::read(&world.root_der().into())?;
    let proofs = world.proofs(&identity.certificate_der())?;
    let arcs = |list: Vec<Vec<u8>>| list.into_iter().map(Into::into).collect();
    let known = Evidence {
        certificates: arcs(proofs.certificates),
        crls: arcs(proofs.crls),
        ocsp_responses: arcs(proofs.ocsp_responses),
    };
    let anchors = Anchors::new(vec![Anchor::plain(root, "the world")]);
    let verification = Verification::new(anchors, Policy::shipped()?, known, None);
    let judge = |path: &PathBuf| -> Result<()> {
        let document = Document::open(&Origin::File(path.clone()))?;
        let name = path.to_string_lossy();
        let inspection = verification.inspect(&Input::new(&document, &name))?;
        let report = verification.judge(&inspection, facts(&name, &document, false)?, SystemClock.now());
        if report.overall() != Some(Indication::Passed) || report.signatures.len() != 1 {
            let said = report.signatures.first().map(|signature| &signature.conclusion);
            bail!("{name}: {said:?}");
        }
        Ok(())
    };
    // Caches are warm.
    files.iter().take(cores()).try_for_each(judge)?;
    measure(files, judge)
}

/// The ideal program.
fn limit(world: &World, identity: &Identity, files: &[PathBuf]) -> Result<Rate> {
    use formats::signature::{HashAlgorithm, Method, certificate_signed_by};
    let (signer, authority) = (identity.certificate_der(), world.authority_der(Issuer::Seals));
    let root = world.root_der();
    let digest = formats::crypto::digest(model::DigestAlgorithm::Sha256, b"load");
    let value = identity.sign_digest(digest.as_bytes())?;
    let method = match identity.kind() {
        KeyKind::P256 => Method::Ecdsa(HashAlgorithm::Sha256),
        _ => Method::RsaPkcs1(HashAlgorithm::Sha256),
    };
    let key = identity.public_key_der()?;
    measure(files, |path| {
        let bytes = std::fs::read(path)?;
        std::hint::black_box(formats::crypto::digest(model::DigestAlgorithm::Sha256, &bytes));
        method.verify_digest(&key, digest.as_bytes(), &value)?;
        certificate_signed_by(&signer, &authority)?;
        certificate_signed_by(&authority, &root)?;
        Ok(())
    })
}

/// All files, on all cores.
fn measure(files: &[PathBuf], work: impl Fn(&PathBuf) -> Result<()> + Sync) -> Result<Rate> {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let cpu = on_threads(cores(), |_| {
        let mut clock = Lap::start();
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(path)?;
        }
        Ok(clock.lap())
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let count = files.len() as f64;
    let cpu_micros = Some(cpu.iter().sum::<f64>() / count);
    Ok(Rate { documents: files.len(), per_second: count / seconds, cpu_micros })
}

/// The peer on the same files, one process on each core, its start not counted where it judges many files at once.
fn peer(form: Signed, world: &World, files: &[PathBuf]) -> Result<(&'static str, Rate)> {
    let shares: Vec<_> = files.chunks(files.len().div_ceil(cores()).max(1)).collect();
    let (name, per_second) = match form {
        Signed::Cades | Signed::Pades => {
            let seconds =
                on_threads(shares.len(), |number| testkit::judge::pyhanko_verify(shares[number], &world.ca_pem()))?;
            ("pyHanko", shares.iter().zip(seconds).map(|(share, seconds)| share.len() as f64 / seconds).sum())
        }
        Signed::Xades => {
            let started = Instant::now();
            on_threads(shares.len(), |number| testkit::judge_xml::xmlsec1_all(shares[number], &world.root_pem()))?;
            ("xmlsec1", files.len() as f64 / started.elapsed().as_secs_f64())
        }
    };
    Ok((name, Rate { documents: files.len(), per_second, cpu_micros: None }))
}
