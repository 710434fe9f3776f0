//! The details of the story: checks, paths, algorithms, time stamps, evidence.

use super::*;

impl Story {
    fn table(&mut self, heading: &str, columns: &[(&str, u8)], rows: impl Iterator<Item = Vec<String>>) {
        let mut rows = rows;
        let mut shown: Vec<Vec<String>> = rows.by_ref().take(REPORT_ROWS_MAX).collect();
        if shown.is_empty() {
            return;
        }
        let more = rows.count();
        if more > 0 {
            shown.push(vec![format!("… {} {more}", self.language.pick("and more:", "und weitere:"))]);
        }
        self.blocks.push(Block::Heading(3, heading.to_owned()));
        let columns = columns.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
        self.blocks.push(Block::Table(columns, shown));
    }

    pub(super) fn checks(&mut self, checks: &[Check]) {
        let language = self.language;
        let rows = checks.iter().map(|check| {
            vec![
                language.check(check.name).unwrap_or(check.name).to_owned(),
                language.check_status(check.status).to_owned(),
                check.finding.as_deref().map(word::visible).unwrap_or_default(),
            ]
        });
        let columns = [
            (language.pick("Check", "Prüfung"), 42),
            (language.pick("Result", "Ergebnis"), 18),
            (language.pick("Finding", "Befund"), 40),
        ];
        self.table(language.pick("Checks", "Prüfungen"), &columns, rows);
    }

    pub(super) fn covered(&mut self, covered: &[CoveredReport]) {
        let language = self.language;
        let rows = covered.iter().map(|covered| {
            let intact = match (&covered.reason, covered.intact) {
                (Some(reason), false) => word::visible(&language.reason(reason)),
                (_, intact) => language.yes(intact).to_owned(),
            };
            vec![
                word::visible(language.covered(&covered.what)),
                language.role(covered.role).to_owned(),
                format!("{} {}", word::visible(&covered.algorithm), word::hex(&covered.digest)),
                intact,
            ]
        });
        let columns = [
            (language.pick("What", "Was"), 28),
            (language.pick("Role", "Rolle"), 18),
            (language.pick("Digest", "Hashwert"), 36),
            (language.pick("Unchanged", "Unverändert"), 18),
        ];
        self.table(language.pick("What is covered", "Was erfasst ist"), &columns, rows);
    }

    /// The path of a signer and what is known about its revocation.
    pub(super) fn path(&mut self, signer: &Signer) {
        let language = self.language;
        let rows = signer.path.iter().enumerate().map(|(at, id)| {
            let about = signer.revocation.iter().find(|about| about.certificate == *id);
            let state = match about.map(|about| about.status) {
                Some(RevocationStatus::Good) => language.pick("not revoked", "nicht gesperrt").to_owned(),
                Some(RevocationStatus::Revoked(since, why)) => format!(
                    "{} {} ({})",
                    language.pick("revoked since", "gesperrt seit"),
                    language.time(since),
                    language.revocation_reason(why)
                ),
                Some(RevocationStatus::NotNeeded) => {
                    language.pick("need not be known", "muss nicht bekannt sein").to_owned()
                }
                Some(RevocationStatus::Unknown) | None => language.pick("unknown", "unbekannt").to_owned(),
            };
            let known = about.and_then(|about| about.this_update).map(|time| language.time(time)).unwrap_or_default();
            let source = about.and_then(|about| about.source).map(short).unwrap_or_default();
            vec![format!("{} {}", at + 1, short(*id)), state, known, source]
        });
        let columns = [
            (language.pick("Certificate", "Zertifikat"), 24),
            (language.pick("Revocation", "Sperrung"), 36),
            (language.pick("Known at", "Bekannt am"), 22),
            (language.pick("Source", "Quelle"), 18),
        ];
        self.table(language.pick("Certificates, signer first", "Zertifikate, Unterzeichner zuerst"), &columns, rows);
    }

    pub(super) fn algorithms(&mut self, algorithms: &[AlgorithmUse]) {
        let language = self.language;
        let rows = algorithms.iter().map(|used| {
            let bits = used.bits.map(|bits| format!(", {bits} Bit")).unwrap_or_default();
            vec![
                word::visible(&used.place),
                word::visible(&used.name) + &bits,
                language.yes(used.suitable).to_owned(),
                used.until.map_or_else(
                    || language.pick("no end known", "kein Ende bekannt").to_owned(),
                    |until| language.time(until),
                ),
            ]
        });
        let columns = [
            (language.pick("Where", "Wo"), 26),
            (language.pick("Algorithm", "Algorithmus"), 34),
            (language.pick("Suitable", "Geeignet"), 14),
            (language.pick("Until", "Bis"), 26),
        ];
        self.table(language.pick("Algorithms", "Algorithmen"), &columns, rows);
    }

    pub(super) fn stamps(&mut self, stamps: &[StampReport]) {
        let language = self.language;
        let rows = stamps.iter().map(|stamp| {
            let mut verdict = language.verdict(stamp.conclusion.indication).to_owned();
            if !stamp.conclusion.is_passed() {
                verdict = format!("{verdict}. {}", self.why(&stamp.conclusion));
            }
            vec![
                stamp.time.map(|time| language.time(time)).unwrap_or_default(),
                language.stamp(stamp.kind).to_owned(),
                stamp.signer.as_ref().map(|signer| word::visible(&signer.name)).unwrap_or_default(),
                verdict,
            ]
        });
        let rows: Vec<_> = rows.take(REPORT_ROWS_MAX).collect();
        let columns = [
            (language.pick("Time", "Zeit"), 24),
            (language.pick("Kind", "Art"), 22),
            (language.pick("Made by", "Aussteller"), 24),
            (language.pick("Verdict", "Urteil"), 30),
        ];
        self.table(language.pick("Time stamps", "Zeitstempel"), &columns, rows.into_iter());
    }

    /// The evidence on which everything above rests.
    pub(super) fn objects(&mut self, objects: &[Object]) {
        let language = self.language;
        let rows = objects.iter().map(|object| {
            vec![
                language.object(object.kind).to_owned(),
                word::visible(&object.name),
                word::hex(&object.id.0),
                language.time(object.exists_since),
            ]
        });
        let columns = [
            (language.pick("Kind", "Art"), 16),
            (language.pick("Name", "Name"), 32),
            ("SHA-256", 32),
            (language.pick("Exists since", "Existiert seit"), 20),
        ];
        self.table(language.pick("Evidence", "Nachweise"), &columns, rows);
    }
}

/// Enough of a digest to find it in the table of evidence.
fn short(id: ObjectId) -> String {
    let mut digits = word::hex(&id.0);
    digits.truncate(12);
    digits + "…"
}
