//! A report told to people: what it says in which order, the same for every rendering that people read. Foreign text is
//! made harmless here; how it looks is the rendering's business.

use super::language::Language;
use super::{
    AlgorithmUse, Check, Conclusion, CoveredReport, Indication, Object, Proof, RecordReport, Report, RevocationStatus,
    SignatureReport, Signer, StampReport, word,
};
use formats::inspect::{Coverage, LaterChanges, ObjectId};
use model::Reason;
use model::limits::{INSPECTION_NESTING_MAX, REPORT_ROWS_MAX};

mod tables;

/// A piece of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading of level 1 (the file) to 3 (a detail).
    Heading(u8, String),
    /// A judgement: its colour, its headline, and why.
    Verdict(Tone, String, String),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// A table: headings with their share of the width in percent, and rows.
    Table(Vec<(String, u8)>, Vec<Vec<String>>),
}

/// The colour of a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Open,
    Bad,
}

impl Tone {
    fn of(indication: Indication) -> Self {
        match indication {
            Indication::Passed => Self::Good,
            Indication::Indeterminate => Self::Open,
            Indication::Failed => Self::Bad,
        }
    }
}

/// The title of a report.
pub(super) fn title(report: &Report, language: Language) -> String {
    format!("{}: {}", language.pick("Verification report", "Prüfbericht"), word::visible(&report.file))
}

/// The whole story.
pub(super) fn tell(report: &Report, language: Language) -> Vec<Block> {
    let mut story = Story { language, blocks: Vec::new() };
    story.file(report, 0);
    story.blocks
}

struct Story {
    language: Language,
    blocks: Vec<Block>,
}

impl Story {
    fn file(&mut self, report: &Report, depth: usize) {
        let language = self.language;
        self.blocks.push(Block::Heading(1, title(report, language)));
        self.overall(report);
        let mut facts = vec![fact(language.pick("File", "Datei"), word::visible(&report.file))];
        facts.push(fact(language.pick("Kind", "Art"), language.kind(report.kind).into()));
        if let Some((digest, length)) = report.content {
            facts.push(fact(language.pick("Length", "Länge"), format!("{length} {}", language.pick("bytes", "Byte"))));
            facts.push(fact("SHA-256", word::hex(&digest)));
        }
        facts.push(fact(language.pick("Verified as of", "Prüfzeitpunkt"), language.time(report.validation_time)));
        let policy = format!("{} (SHA-256 {})", word::visible(&report.policy.name), word::hex(&report.policy.digest));
        facts.push(fact(language.pick("Policy", "Prüfrichtlinie"), policy));
        facts.extend(self.reasons(language.pick("Note", "Hinweis"), &report.notes));
        self.blocks.push(Block::Facts(facts));
        for (at, signature) in report.signatures.iter().enumerate() {
            self.signature(at, signature);
        }
        for (at, stamp) in report.stamps.iter().enumerate() {
            self.stamp(at, stamp);
        }
        for (at, record) in report.records.iter().enumerate() {
            self.record(at, record);
        }
        for nested in &report.nested {
            if depth < INSPECTION_NESTING_MAX {
                self.file(nested, depth + 1);
            }
        }
        self.objects(&report.objects);
    }

    /// What the file as a whole is worth.
    fn overall(&mut self, report: &Report) {
        let language = self.language;
        let (signatures, passed) = count(report, 0);
        let Some(indication) = report.overall() else {
            let nothing = language.pick("Nothing signed", "Nichts unterschrieben");
            let why = language.pick(
                "There is no signature, time stamp or evidence record in the file.",
                "In der Datei ist keine Signatur, kein Zeitstempel und kein Beweisdokument.",
            );
            self.blocks.push(Block::Verdict(Tone::Open, nothing.into(), why.into()));
            return;
        };
        let why = match language {
            Language::English => format!("{passed} of {signatures} signatures are valid."),
            Language::German => format!("{passed} von {signatures} Signaturen sind gültig."),
        };
        let head = match indication {
            Indication::Passed => language.pick("Everything is valid", "Alles gültig"),
            other => language.verdict(other),
        };
        let why = if signatures == 0 { String::new() } else { why };
        self.blocks.push(Block::Verdict(Tone::of(indication), head.into(), why));
    }

    fn signature(&mut self, at: usize, report: &SignatureReport) {
        let language = self.language;
        let number = at + 1;
        let head = match report.parent {
            None => format!("{} {number}", language.pick("Signature", "Signatur")),
            Some(parent) => format!(
                "{} {number} ({} {})",
                language.pick("Counter-signature", "Gegenzeichnung"),
                language.pick("to signature", "zu Signatur"),
                parent + 1
            ),
        };
        self.blocks.push(Block::Heading(2, head));
        let why = if report.conclusion.is_passed() { self.passed(report) } else { self.why(&report.conclusion) };
        self.verdict(&report.conclusion, why);
        let facts = self.signature_facts(report);
        self.blocks.push(Block::Facts(facts));
        self.checks(&report.checks);
        self.covered(&report.covered);
        if let Some(signer) = &report.signer {
            self.path(signer);
        }
        self.algorithms(&report.algorithms);
        self.stamps(&report.stamps);
    }

    /// Why a signature is valid.
    fn passed(&self, report: &SignatureReport) -> String {
        let language = self.language;
        let unchanged = match report.later_changes {
            None | Some(LaterChanges::None) => {
                language.pick("What was signed is unchanged", "Das Unterschriebene ist unverändert")
            }
            Some(_) => language.pick(
                "What was signed is unchanged; what came later is permitted",
                "Das Unterschriebene ist unverändert; was später hinzukam, ist erlaubt",
            ),
        };
        let at = language.time(report.best_signature_time);
        match (language, report.proof) {
            (Language::English, Proof::Now) => {
                format!("{unchanged}, and the signer's certificate is valid and not revoked.")
            }
            (Language::English, _) => format!(
                "{unchanged}, and the signer's certificate was valid and not revoked when the signature provably existed ({at})."
            ),
            (Language::German, Proof::Now) => {
                format!("{unchanged}, und das Zertifikat des Unterzeichners ist gültig und nicht gesperrt.")
            }
            (Language::German, _) => format!(
                "{unchanged}, und das Zertifikat des Unterzeichners war gültig und nicht gesperrt, als die Signatur nachweislich existierte ({at})."
            ),
        }
    }

    /// Why something is not valid.
    fn why(&self, conclusion: &Conclusion) -> String {
        let sentence = conclusion.sub_indication.map(|sub| self.language.sub_indication(sub)).unwrap_or_default();
        match &conclusion.reason {
            Some(reason) => format!("{sentence} {}", word::visible(&self.language.reason(reason))),
            None => sentence.to_owned(),
        }
    }

    fn signature_facts(&self, report: &SignatureReport) -> Vec<(String, String)> {
        let language = self.language;
        let mut facts = Vec::new();
        let by = match &report.signer {
            Some(signer) if signer.qualified => {
                format!(
                    "{} ({})",
                    word::visible(&signer.name),
                    language.pick("qualified certificate", "qualifiziertes Zertifikat")
                )
            }
            Some(signer) => word::visible(&signer.name),
            None => language.pick("nobody knows", "unbekannt").into(),
        };
        facts.push(fact(language.pick("Signed by", "Unterzeichner"), by));
        let trusted = report.signer.as_ref().and_then(|signer| signer.anchor.as_deref());
        let nobody = language.pick("nobody who is trusted here", "niemanden, dem hier vertraut wird");
        facts.push(fact(
            language.pick("Vouched for by", "Bestätigt durch"),
            trusted.map_or_else(|| nobody.into(), word::visible),
        ));
        let proved = language.time(report.best_signature_time);
        facts.push(fact(
            language.pick("Proved time", "Bewiesene Zeit"),
            match report.proof {
                Proof::Now => language
                    .pick(
                        "none: it exists now, nothing proves that it is older",
                        "keine: Sie existiert jetzt, nichts beweist, dass sie älter ist",
                    )
                    .into(),
                Proof::Stamp(_) => format!("{proved} ({})", language.pick("by a time stamp", "durch Zeitstempel")),
                Proof::Record(_) => {
                    format!("{proved} ({})", language.pick("by an evidence record", "durch Beweisdokument"))
                }
            },
        ));
        facts.push(fact(
            language.pick("Claimed time", "Angegebene Zeit"),
            match report.claimed_time {
                Some(time) => format!("{} ({})", language.time(time), language.pick("not proved", "unbewiesen")),
                None => language.pick("none", "keine").into(),
            },
        ));
        let mut covered = match report.coverage {
            Some(coverage) => language.coverage(coverage).to_owned(),
            None => list(report.covered.iter().map(|covered| language.covered(&covered.what))),
        };
        if let Some((this, all)) = report.revision.filter(|_| report.coverage != Some(Coverage::WholeFile)) {
            covered.push_str(&format!(
                " ({} {this} {} {all})",
                language.pick("revision", "Fassung"),
                language.pick("of", "von")
            ));
        }
        facts.push(fact(language.pick("Covers", "Erfasst"), covered));
        if let Some(changes) = report.later_changes {
            facts
                .push(fact(language.pick("Added later", "Später hinzugefügt"), language.later_changes(changes).into()));
        }
        facts.extend(self.reasons(language.pick("Change", "Änderung"), &report.changes));
        let level = match word::level(report.level) {
            "not-ades" => language.pick("no AdES signature", "keine AdES-Signatur"),
            level => level,
        };
        facts.push(fact(language.pick("Form", "Form"), format!("{}, {level}", word::format(report.format))));
        if let Some(name) = &report.name {
            facts.push(fact(language.pick("Name in the file", "Name in der Datei"), word::visible(name)));
        }
        facts.extend(
            report
                .claims
                .iter()
                .take(REPORT_ROWS_MAX)
                .map(|(name, value)| (language.claim(name), word::visible(value))),
        );
        facts.push(fact(language.pick("Unchanged", "Unverändert"), language.yes(report.intact).into()));
        facts.push(fact(
            language.pick("Made with the signer's key", "Mit dem Schlüssel erzeugt"),
            language.yes(report.valid).into(),
        ));
        facts.push(fact(language.pick("Verification", "Prüfverfahren"), language.process(report.process).into()));
        facts.push(fact(language.pick("Result", "Ergebnis"), codes(&report.conclusion, word::indication)));
        facts.extend(self.reasons(language.pick("Note", "Hinweis"), &report.notes));
        facts
    }

    fn stamp(&mut self, at: usize, report: &StampReport) {
        let language = self.language;
        let head = format!("{} {}", language.pick("Time stamp", "Zeitstempel"), at + 1);
        self.blocks.push(Block::Heading(2, head));
        let why = if report.conclusion.is_passed() {
            let what = language.pick(
                "What it is over existed at the time that it gives",
                "Was er erfasst, existierte zur angegebenen Zeit",
            );
            report.time.map_or_else(String::new, |time| format!("{what}: {}.", language.time(time)))
        } else {
            self.why(&report.conclusion)
        };
        self.verdict(&report.conclusion, why);
        let mut facts = self.stamp_facts(report);
        facts.push(fact(language.pick("Result", "Ergebnis"), codes(&report.conclusion, word::part_indication)));
        self.blocks.push(Block::Facts(facts));
        self.checks(&report.checks);
        if let Some(signer) = &report.signer {
            self.path(signer);
        }
        self.algorithms(&report.algorithms);
    }

    fn stamp_facts(&self, report: &StampReport) -> Vec<(String, String)> {
        let language = self.language;
        let unreadable = language.pick("unreadable", "nicht lesbar");
        let mut facts = vec![
            fact(language.pick("Kind", "Art"), language.stamp(report.kind).into()),
            fact(
                language.pick("Time", "Zeit"),
                report.time.map_or_else(|| unreadable.into(), |time| language.time(time)),
            ),
        ];
        if let Some(signer) = &report.signer {
            facts.push(fact(language.pick("Made by", "Aussteller"), word::visible(&signer.name)));
            if let Some(anchor) = &signer.anchor {
                facts.push(fact(language.pick("Vouched for by", "Bestätigt durch"), word::visible(anchor)));
            }
        }
        if let Some(name) = &report.name {
            facts.push(fact(language.pick("Name in the file", "Name in der Datei"), word::visible(name)));
        }
        if let Some((coverage, later)) = report.coverage {
            facts.push(fact(language.pick("Covers", "Erfasst"), language.coverage(coverage).into()));
            facts.push(fact(language.pick("Added later", "Später hinzugefügt"), language.later_changes(later).into()));
        }
        facts
    }

    fn record(&mut self, at: usize, report: &RecordReport) {
        let language = self.language;
        let name = language.pick("Evidence record", "Beweisdokument (Evidence Record)");
        self.blocks.push(Block::Heading(2, format!("{name} {}", at + 1)));
        let why = match (report.conclusion.is_passed(), report.since) {
            (true, Some(since)) => format!(
                "{} {}.",
                language.pick(
                    "Its data objects have existed unchanged since",
                    "Die erfassten Daten existieren unverändert seit"
                ),
                language.time(since)
            ),
            (true, None) => String::new(),
            (false, _) => self.why(&report.conclusion),
        };
        self.verdict(&report.conclusion, why);
        let mut facts = vec![
            fact(language.pick("Form", "Form"), if report.xml { "XML (RFC 6283)" } else { "ASN.1 (RFC 4998)" }.into()),
            fact(language.pick("Covers", "Erfasst"), list(report.objects.iter().map(String::as_str))),
        ];
        if let Some(name) = &report.name {
            facts.push(fact(language.pick("Name in the file", "Name in der Datei"), word::visible(name)));
        }
        facts.push(fact(language.pick("Result", "Ergebnis"), codes(&report.conclusion, word::part_indication)));
        self.blocks.push(Block::Facts(facts));
        self.stamps(&report.stamps);
    }

    fn verdict(&mut self, conclusion: &Conclusion, why: String) {
        let head = self.language.verdict(conclusion.indication).to_owned();
        self.blocks.push(Block::Verdict(Tone::of(conclusion.indication), head, why));
    }

    fn reasons(&self, label: &str, reasons: &[Reason]) -> Vec<(String, String)> {
        let shown = reasons.iter().take(REPORT_ROWS_MAX);
        shown.map(|reason| fact(label, word::visible(&self.language.reason(reason)))).collect()
    }
}

/// The signatures in a file and all files inside, and how many of them are valid.
fn count(report: &Report, depth: usize) -> (usize, usize) {
    let passed = report.signatures.iter().filter(|signature| signature.conclusion.is_passed()).count();
    let mut sum = (report.signatures.len(), passed);
    if depth < INSPECTION_NESTING_MAX {
        for nested in &report.nested {
            let (all, passed) = count(nested, depth + 1);
            sum = (sum.0 + all, sum.1 + passed);
        }
    }
    sum
}

fn fact(name: &str, value: String) -> (String, String) {
    (name.to_owned(), value)
}

/// The words of the standard.
fn codes(conclusion: &Conclusion, word: fn(Indication) -> &'static str) -> String {
    match conclusion.sub_indication {
        Some(sub) => format!("{} / {}", word(conclusion.indication), sub.word()),
        None => word(conclusion.indication).to_owned(),
    }
}

/// Things in a row, bounded as a whole.
pub(super) fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&word::visible(item));
        if text.len() > 4 * model::limits::REPORT_TEXT_CHARS_MAX {
            text.push('…');
            break;
        }
    }
    text
}
