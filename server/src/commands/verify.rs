//! `sealmill verify`: judge files that anybody has signed, on all processors, and report on each in the order given.

use super::{complain, say};
use crate::cli::{ReportName, Verify};
use crate::config::Config;
use crate::table::table;
use crate::{assemble, secret, trust_sources, verification};
use actors::directory::judge::ReportForm;
use actors::document::{Document, Origin};
use actors::revocation::Collector;
use actors::verification::{Verification, facts};
use anyhow::{Context, bail};
use formats::evidence::Evidence;
use formats::inspect::{Detached, Input};
use formats::prepare::FormatError;
use formats::signature::HashAlgorithm;
use model::{Clock, Reason, SystemClock, Time};
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use trust::report::{Indication, Report, SignatureReport, word};

/// Some signature failed.
const EXIT_FAILED: u8 = 1;
/// Some signature can be judged neither way; none failed.
const EXIT_INDETERMINATE: u8 = 2;
/// A file without signatures.
const EXIT_NO_SIGNATURE: u8 = 3;
/// A file that cannot be read.
const EXIT_UNREADABLE: u8 = 4;

/// Runs the command.
pub fn run(arguments: &Verify, as_json: bool) -> anyhow::Result<ExitCode> {
    // What is wrong with the arguments must not look like a verdict.
    let bench = match Bench::new(arguments, as_json) {
        Ok(bench) => bench,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(EXIT_UNREADABLE));
        }
    };
    if let Some(folder) = &arguments.output {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let outcomes = bench.judge_all(&arguments.files);
    let mut rows = Vec::new();
    let mut code = 0;
    for (file, outcome) in arguments.files.iter().zip(outcomes) {
        code = worse(code, exit_code(&outcome));
        match &outcome {
            Ok(report) => {
                write_report(arguments, file, report)?;
                rows.extend(report_rows(report, ""));
                if as_json {
                    say(&trust::report::json::of(report, evidence(arguments)).to_string());
                }
            }
            Err(reason) if as_json => {
                let line = serde_json::json!({
                    "file": file.to_string_lossy(), "code": reason.code, "reason": reason.sentence,
                });
                say(&line.to_string());
            }
            Err(reason) => {
                rows.push(vec![
                    name_of(file),
                    dash(),
                    dash(),
                    dash(),
                    "unreadable".to_owned(),
                    dash(),
                    reason.to_string(),
                ]);
            }
        }
    }
    if !as_json && (arguments.report.is_none() || arguments.output.is_some()) {
        say(table(&HEADER, &rows).trim_end());
    }
    Ok(ExitCode::from(code))
}

/// The columns for people.
const HEADER: [&str; 7] = ["file", "signed by", "format", "level", "verdict", "existed by", "why, or what to know"];

/// What all files have in common.
struct Bench<'a> {
    arguments: &'a Verify,
    verification: Verification,
    detached: Vec<(String, Document)>,
    digest: Option<(HashAlgorithm, Vec<u8>)>,
    password: Option<String>,
    known: Vec<Arc<[u8]>>,
    now: Time,
    runtime: tokio::runtime::Runtime,
    /// Some report names the digest of the file.
    names_digest: bool,
}

impl<'a> Bench<'a> {
    fn new(arguments: &'a Verify, as_json: bool) -> anyhow::Result<Self> {
        let mut config = match &arguments.config {
            Some(file) => Config::load(file)?,
            None => Config::parse("", "command line", Path::new("."))?,
        };
        config.revocation.private_hosts.extend(arguments.reach.iter().cloned());
        let mut settings = config.revocation.resolve(&config.paths(), &config.network).map_err(anyhow::Error::msg)?;
        if !arguments.trust.is_empty() {
            settings.anchors = verification::certificates(&arguments.trust).map_err(anyhow::Error::msg)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build()?;
        // Whoever names roots means these and no others.
        let allowed = match arguments.config.is_some() && arguments.trust.is_empty() {
            true => runtime.block_on(Box::pin(allowed(&config)))?,
            false => Vec::new(),
        };
        let anchors =
            verification::anchors(&settings.anchors, &settings.responders, &allowed).map_err(anyhow::Error::msg)?;
        let mut known = verification::certificates(&arguments.known).map_err(anyhow::Error::msg)?;
        known.extend(settings.intermediates.iter().cloned());
        let policy = verification::policy(arguments.policy.as_deref(), arguments.algorithms.as_deref());
        let policy = policy.map_err(anyhow::Error::msg)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let now = arguments.at.unwrap_or_else(|| clock.now());
        // Whoever trusts nobody comes to no verdict that fresh evidence would change.
        let asks = !arguments.offline && !anchors.all().is_empty();
        let collector = match asks {
            true => Some(Collector::new(settings, clock).context("[revocation]")?),
            false => None,
        };
        let open = |file: &PathBuf| {
            let document = Document::open(&Origin::File(file.clone()));
            let document = document.with_context(|| format!("{} cannot be read", file.display()))?;
            Ok::<_, anyhow::Error>((name_of(file), document))
        };
        let password = match &arguments.password_file {
            Some(file) => Some(secret::from_file(file).map_err(anyhow::Error::msg)?.expose_secret().to_owned()),
            None => None,
        };
        let known_evidence = Evidence { certificates: known.clone(), ..Evidence::default() };
        Ok(Self {
            verification: Verification::new(anchors, policy, known_evidence, collector),
            detached: arguments.detached.iter().map(open).collect::<anyhow::Result<_>>()?,
            digest: arguments.hash.as_deref().map(digest).transpose()?,
            password,
            known,
            now,
            runtime,
            names_digest: as_json || arguments.report.is_some_and(|report| form_of(report, arguments).names_digest()),
            arguments,
        })
    }

    /// Judges every file, as many at a time as there are processors; the reports come in the order of the files.
    fn judge_all(&self, files: &[PathBuf]) -> Vec<Result<Report, Reason>> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Result<Report, Reason>)>> = Mutex::new(Vec::with_capacity(files.len()));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(index) else { break };
                        let report = self.judge(file);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, report));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, report)| report).collect()
    }

    fn judge(&self, file: &Path) -> Result<Report, Reason> {
        let unreadable =
            |error: &dyn std::fmt::Display| Reason::new("unreadable", format!("it cannot be read: {error}"));
        let document = Document::open(&Origin::File(file.to_path_buf())).map_err(|error| unreadable(&error))?;
        let name = name_of(file);
        let detached: Vec<Detached<'_>> = match &self.digest {
            Some((algorithm, value)) => vec![Detached::Digest(*algorithm, value.clone())],
            None => {
                let given = self.detached.iter();
                given.map(|(name, source)| Detached::Document { name, source }).collect()
            }
        };
        let input = Input {
            detached: &detached,
            password: self.password.as_deref(),
            certificates: &self.known,
            ..Input::new(&document, &name)
        };
        let inspection = self.verification.inspect(&input).map_err(|error| match error {
            FormatError::Document(reason) => reason,
            other => unreadable(&other),
        })?;
        let facts = facts(&file.to_string_lossy(), &document, self.names_digest);
        let facts = facts.map_err(|error| unreadable(&error))?;
        let report = match self.arguments.offline {
            true => self.verification.judge(&inspection, facts, self.now),
            false => self.runtime.block_on(self.verification.judge_with_sources(&inspection, facts, self.now)),
        };
        match document.unchanged() {
            Ok(true) => Ok(report),
            _ => Err(Reason::new("changed", "it was written to while it was being judged")),
        }
    }
}

/// Whom the tenant of the configuration allows of what was imported.
async fn allowed(config: &Config) -> anyhow::Result<Vec<trust::Anchor>> {
    let store = assemble::open_store(config).await?;
    trust_sources::allowed(&store, &assemble::tenant(config)?).await
}

/// `sha1:ab01…`, or a value whose length tells which SHA-2 it is.
fn digest(text: &str) -> anyhow::Result<(HashAlgorithm, Vec<u8>)> {
    let (named, hex) = match text.split_once(':') {
        Some((name, hex)) => (Some(name), hex),
        None => (None, text),
    };
    let pairs = hex.as_bytes().chunks(2);
    let value: Option<Vec<u8>> = pairs
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    let value = value.with_context(|| format!("{hex:?} is not hexadecimal"))?;
    let algorithm = match (named, value.len()) {
        (Some(name), _) => {
            let same = |hash: &HashAlgorithm| {
                let letters = |text: &str| text.to_ascii_lowercase().replace(['-', '/', '_'], "");
                letters(trust::algorithm::hash_name(*hash)) == letters(name)
            };
            trust::algorithm::HASHES.into_iter().find(same).with_context(|| format!("{name:?} is no digest"))?
        }
        (None, 32) => HashAlgorithm::Sha256,
        (None, 48) => HashAlgorithm::Sha384,
        (None, 64) => HashAlgorithm::Sha512,
        (None, length) => bail!("a digest of {length} bytes needs the name of its algorithm in front, as in sha1:…"),
    };
    if algorithm.length() != value.len() {
        bail!(
            "a digest by {} has {} bytes, not {}",
            trust::algorithm::hash_name(algorithm),
            algorithm.length(),
            value.len()
        );
    }
    Ok((algorithm, value))
}

fn exit_code(outcome: &Result<Report, Reason>) -> u8 {
    match outcome.as_ref().map(Report::overall) {
        Ok(Some(Indication::Passed)) => 0,
        Ok(Some(Indication::Failed)) => EXIT_FAILED,
        Ok(Some(Indication::Indeterminate)) => EXIT_INDETERMINATE,
        Ok(None) => EXIT_NO_SIGNATURE,
        Err(_) => EXIT_UNREADABLE,
    }
}

/// Of several files: one that cannot be read counts most, then a failed one, one without signatures, an indeterminate one.
fn worse(one: u8, other: u8) -> u8 {
    let rank = |code: u8| {
        [0, EXIT_INDETERMINATE, EXIT_NO_SIGNATURE, EXIT_FAILED, EXIT_UNREADABLE].iter().position(|known| *known == code)
    };
    if rank(other) > rank(one) { other } else { one }
}

fn write_report(arguments: &Verify, file: &Path, report: &Report) -> anyhow::Result<()> {
    let Some(kind) = arguments.report else { return Ok(()) };
    let (bytes, extension) = match kind {
        ReportName::Json => (trust::report::json::of(report, evidence(arguments)).to_string().into_bytes(), "json"),
        kind => {
            let form = form_of(kind, arguments);
            (form.render(report)?, form.extension())
        }
    };
    match &arguments.output {
        Some(folder) => {
            let path = folder.join(format!("{}-verify-report.{extension}", name_of(file)));
            std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))
        }
        None => {
            use std::io::Write;
            let mut out = std::io::stdout();
            out.write_all(&bytes).and_then(|()| out.write_all(b"\n")).or(Ok(()))
        }
    }
}

fn form_of(report: ReportName, arguments: &Verify) -> ReportForm {
    verification::report_form(report.into(), arguments.language.into())
}

fn evidence(arguments: &Verify) -> trust::report::json::Evidence {
    match arguments.evidence {
        true => trust::report::json::Evidence::Included,
        false => trust::report::json::Evidence::Named,
    }
}

/// One line for each signature, time stamp and record.
fn report_rows(report: &Report, within: &str) -> Vec<Vec<String>> {
    let file = match within {
        "" => name_of(Path::new(&report.file)),
        _ => format!("{within} / {}", report.file),
    };
    let row = |signed_by: String,
               format: String,
               level: String,
               conclusion: &trust::report::Conclusion,
               time: Option<Time>,
               note: Option<String>| {
        let why = conclusion.reason.as_ref().map(ToString::to_string).or(note).unwrap_or_else(dash);
        let verdict = match conclusion.sub_indication {
            Some(sub) => format!("{} {}", word::indication(conclusion.indication), sub.word()),
            None => word::indication(conclusion.indication).to_owned(),
        };
        vec![file.clone(), signed_by, format, level, verdict, time.map_or_else(dash, word::time), why]
    };
    let signer = |signer: Option<&trust::report::Signer>| signer.map_or_else(dash, |signer| signer.name.clone());
    let of_signature = |signature: &SignatureReport| {
        let note = signature.notes.first().map(ToString::to_string);
        row(
            signer(signature.signer.as_ref()),
            word::format(signature.format).to_owned(),
            word::level(signature.level).to_owned(),
            &signature.conclusion,
            Some(signature.best_signature_time),
            note,
        )
    };
    let mut rows: Vec<_> = report.signatures.iter().map(of_signature).collect();
    rows.extend(report.stamps.iter().map(|stamp| {
        row(signer(stamp.signer.as_ref()), "time-stamp".to_owned(), dash(), &stamp.conclusion, stamp.time, None)
    }));
    rows.extend(
        report
            .records
            .iter()
            .map(|record| row(dash(), "evidence-record".to_owned(), dash(), &record.conclusion, record.since, None)),
    );
    rows.extend(report.nested.iter().flat_map(|nested| report_rows(nested, &file)));
    if rows.is_empty() && within.is_empty() {
        let note = report.notes.first().map_or_else(dash, ToString::to_string);
        rows.push(vec![file, dash(), dash(), dash(), "no signature".to_owned(), dash(), note]);
    }
    rows
}

fn name_of(file: &Path) -> String {
    file.file_name().map_or_else(|| file.to_string_lossy().into_owned(), |name| name.to_string_lossy().into_owned())
}

fn dash() -> String {
    "-".to_owned()
}
