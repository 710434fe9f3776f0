//! What a report says to people, in English and in German: words, and a sentence for each verdict, check and usual reason.

use super::{CheckStatus, Indication, ObjectKind, Process, SubIndication};
use crate::policy::Rule;
use formats::inspect::{Coverage, CoveredRole, FileKind, LaterChanges, StampKind};
use model::{Reason, Time};

mod reasons;

/// The languages of reports for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
}

impl Language {
    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        self.pick("en", "de")
    }

    /// One of two.
    pub(super) fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }

    /// A time in UTC.
    pub(super) fn time(self, time: Time) -> String {
        let (year, month, day, hour, minute, second) = time.civil();
        match self {
            Self::English => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"),
            Self::German => format!("{day:02}.{month:02}.{year:04}, {hour:02}:{minute:02}:{second:02} Uhr UTC"),
        }
    }

    pub(super) fn yes(self, yes: bool) -> &'static str {
        if yes { self.pick("yes", "ja") } else { self.pick("no", "nein") }
    }

    /// The verdict in a word or two.
    pub(super) fn verdict(self, indication: Indication) -> &'static str {
        match indication {
            Indication::Passed => self.pick("Valid", "Gültig"),
            Indication::Failed => self.pick("Not valid", "Nicht gültig"),
            Indication::Indeterminate => self.pick("Cannot be decided", "Nicht entscheidbar"),
        }
    }

    /// Why, in one sentence (EN 319 102-1 clause 5.1.2).
    pub(super) fn sub_indication(self, sub: SubIndication) -> &'static str {
        use SubIndication::*;
        match sub {
            FormatFailure => self.pick(
                "The signature breaks the rules of its format, so nobody can rely on what it says.",
                "Die Signatur verletzt die Regeln ihres Formats; auf ihre Aussage ist kein Verlass.",
            ),
            HashFailure => self.pick(
                "The document is not the one that was signed: it was changed after signing.",
                "Das Dokument ist nicht das unterschriebene: Es wurde nach der Unterschrift verändert.",
            ),
            SigCryptoFailure => self.pick(
                "The signature was not made with the key of the signer's certificate.",
                "Die Signatur wurde nicht mit dem Schlüssel aus dem Zertifikat des Unterzeichners erzeugt.",
            ),
            Revoked => self.pick(
                "The signer's certificate had been revoked before the signature was made.",
                "Das Zertifikat des Unterzeichners war schon gesperrt, als die Signatur entstand.",
            ),
            Expired => self.pick(
                "The signature was made after the signer's certificate had expired.",
                "Die Signatur entstand, nachdem das Zertifikat des Unterzeichners abgelaufen war.",
            ),
            NotYetValid => self.pick(
                "The signature was made before the signer's certificate became valid.",
                "Die Signatur entstand, bevor das Zertifikat des Unterzeichners gültig wurde.",
            ),
            SigConstraintsFailure => self.pick(
                "The signature does not have what the verification policy asks for.",
                "Der Signatur fehlt, was die Prüfrichtlinie verlangt.",
            ),
            ChainConstraintsFailure => self.pick(
                "The certificates do not have what the verification policy asks for.",
                "Die Zertifikate erfüllen nicht, was die Prüfrichtlinie verlangt.",
            ),
            CertificateChainGeneralFailure => self.pick(
                "The certificates of the signer and its issuers do not fit together.",
                "Die Zertifikate des Unterzeichners und seiner Aussteller passen nicht zusammen.",
            ),
            CryptoConstraintsFailure => self.pick(
                "An algorithm or key length was not strong enough when it was used.",
                "Ein Algorithmus oder eine Schlüssellänge war bei der Verwendung nicht mehr geeignet.",
            ),
            PolicyProcessingError => self.pick(
                "The signature policy that the signer names could not be processed.",
                "Die vom Unterzeichner genannte Signaturrichtlinie konnte nicht angewendet werden.",
            ),
            SignaturePolicyNotAvailable => self.pick(
                "The signature policy that the signer names is not available.",
                "Die vom Unterzeichner genannte Signaturrichtlinie liegt nicht vor.",
            ),
            TimestampOrderFailure => self.pick(
                "The times of signature and time stamps contradict each other.",
                "Die Zeiten der Signatur und ihrer Zeitstempel widersprechen sich.",
            ),
            NoSigningCertificateFound => self.pick(
                "The certificate of the signer is not there, so nobody can say who signed.",
                "Das Zertifikat des Unterzeichners fehlt; niemand kann sagen, wer unterschrieben hat.",
            ),
            NoCertificateChainFound | NoCertificateChainFoundNoPoe => self.pick(
                "The signer's certificate does not lead to an issuer that is trusted here.",
                "Das Zertifikat des Unterzeichners führt zu keinem Aussteller, dem hier vertraut wird.",
            ),
            RevokedNoPoe => self.pick(
                "The signer's certificate was revoked, and nothing proves that the signature is older than that.",
                "Das Zertifikat des Unterzeichners wurde gesperrt, und nichts beweist, dass die Signatur älter ist.",
            ),
            RevokedCaNoPoe => self.pick(
                "The certificate of an issuer was revoked, and nothing proves that the signature is older than that.",
                "Das Zertifikat eines Ausstellers wurde gesperrt, und nichts beweist, dass die Signatur älter ist.",
            ),
            OutOfBoundsNotRevoked => self.pick(
                "The signer's certificate has expired without having been revoked, and nothing proves that the signature is older than that.",
                "Das Zertifikat des Unterzeichners ist abgelaufen, ohne gesperrt zu sein, und nichts beweist, dass die Signatur älter ist.",
            ),
            OutOfBoundsNoPoe => self.pick(
                "The signer's certificate has expired or is not valid yet, and nothing proves that it was valid when the signature was made.",
                "Das Zertifikat des Unterzeichners ist abgelaufen oder noch nicht gültig, und nichts beweist, dass es bei der Unterschrift gültig war.",
            ),
            RevocationOutOfBoundsNoPoe => self.pick(
                "The certificate of whoever tells about revocations has expired, and nothing proves when that was told.",
                "Das Zertifikat der Sperrauskunft ist abgelaufen, und nichts beweist, wann die Auskunft gegeben wurde.",
            ),
            CryptoConstraintsFailureNoPoe => self.pick(
                "An algorithm is not strong enough any more, and nothing proves that the signature was made while it still was.",
                "Ein Algorithmus ist nicht mehr geeignet, und nichts beweist, dass die Signatur aus der Zeit seiner Eignung stammt.",
            ),
            NoPoe => self.pick(
                "Nothing proves that the signature existed in time.",
                "Nichts beweist, dass die Signatur rechtzeitig existierte.",
            ),
            TryLater => self.pick(
                "It is not known yet whether the certificate is revoked; verify again later.",
                "Noch ist nicht bekannt, ob das Zertifikat gesperrt ist; bitte später erneut prüfen.",
            ),
            SignedDataNotFound => self.pick(
                "The document that was signed is not there.",
                "Das unterschriebene Dokument liegt nicht vor.",
            ),
        }
    }

    /// What a check is about, by its name in the policy.
    pub(super) fn check(self, name: &str) -> Option<&'static str> {
        let rule = Rule::ALL.iter().copied().find(|rule| rule.name() == name)?;
        Some(match rule {
            Rule::Format => self.pick("Rules of the format", "Regeln des Formats"),
            Rule::PdfCoverage => self.pick("PDF: a whole revision is covered", "PDF: vollständige Fassung erfasst"),
            Rule::PdfChanges => {
                self.pick("PDF: no forbidden later changes", "PDF: keine unerlaubten späteren Änderungen")
            }
            Rule::PdfAnnotations => self.pick("PDF: no later annotations", "PDF: keine späteren Anmerkungen"),
            Rule::SignerCertificate => {
                self.pick("Signer's certificate is known", "Zertifikat des Unterzeichners bekannt")
            }
            Rule::SignerReference => {
                self.pick("Signed reference to the certificate", "Signierter Verweis auf das Zertifikat")
            }
            Rule::SignerReferenceIssuer => {
                self.pick("Issuer and serial number in that reference", "Aussteller und Seriennummer in diesem Verweis")
            }
            Rule::SignedData => self.pick("Signed data is there", "Unterschriebene Daten vorhanden"),
            Rule::Digests => self.pick("Signed data is unchanged", "Unterschriebene Daten unverändert"),
            Rule::Manifests => self.pick("Entries of manifests are unchanged", "Einträge der Manifeste unverändert"),
            Rule::SignatureValue => self.pick("Signature value fits the key", "Signaturwert passt zum Schlüssel"),
            Rule::SigningTime => self.pick("Signer claims a time", "Unterzeichner gibt eine Zeit an"),
            Rule::SignaturePolicy => self.pick("Signature policy is known", "Signaturrichtlinie bekannt"),
            Rule::MailSender => {
                self.pick("Sender of the mail is the signer", "Absender der Mail ist der Unterzeichner")
            }
            Rule::PathAnchor => self.pick("Path to a trusted certificate", "Kette zu einem vertrauten Zertifikat"),
            Rule::Path => self.pick("Certification path is right", "Zertifikatskette fehlerfrei"),
            Rule::PathConstraints => self.pick("Constraints of the path", "Einschränkungen der Kette"),
            Rule::KeyUsage => self.pick("Key is meant for this use", "Schlüssel für diesen Zweck bestimmt"),
            Rule::KeyUsageCommitment => {
                self.pick("Key is meant for commitments", "Schlüssel für Willenserklärungen bestimmt")
            }
            Rule::Qualified => self.pick("Certificate is qualified", "Zertifikat ist qualifiziert"),
            Rule::RevocationKnown => self.pick("Revocation status is known", "Sperrstatus bekannt"),
            Rule::RevocationFresh => self.pick("Revocation status is recent", "Sperrstatus aktuell"),
            Rule::NotRevoked => self.pick("Certificate is not revoked", "Zertifikat nicht gesperrt"),
            Rule::IssuersNotRevoked => self.pick("Issuers are not revoked", "Aussteller nicht gesperrt"),
            Rule::ValidityDates => self.pick("Certificate is valid by its dates", "Zertifikat zeitlich gültig"),
            Rule::SignatureAlgorithms => self.pick("Algorithms of the signature", "Algorithmen der Signatur"),
            Rule::CertificateAlgorithms => self.pick("Algorithms of the certificates", "Algorithmen der Zertifikate"),
            Rule::RevocationAlgorithms => self.pick("Algorithms of revocation data", "Algorithmen der Sperrauskünfte"),
            Rule::StampPresent => self.pick("There is a time stamp", "Zeitstempel vorhanden"),
            Rule::StampsValid => self.pick("Time stamps are valid", "Zeitstempel gültig"),
            Rule::StampOrder => self.pick("Order of the time stamps", "Reihenfolge der Zeitstempel"),
            Rule::StampDelay => self.pick("Time stamp came soon enough", "Zeitstempel rechtzeitig eingeholt"),
            Rule::Record => self.pick("Evidence record holds together", "Beweisdokument (Evidence Record) schlüssig"),
            Rule::RecordObjects => self.pick("Data objects of the record", "Datenobjekte des Beweisdokuments"),
            Rule::RecordAlgorithms => self.pick("Algorithms of the record", "Algorithmen des Beweisdokuments"),
        })
    }

    pub(super) fn check_status(self, status: CheckStatus) -> &'static str {
        match status {
            CheckStatus::Passed => self.pick("passed", "bestanden"),
            CheckStatus::Informed => self.pick("note", "Hinweis"),
            CheckStatus::Warned => self.pick("warning", "Warnung"),
            CheckStatus::Failed => self.pick("failed", "nicht bestanden"),
        }
    }

    /// A reason as a sentence of this language, or the English one, marked as a detail.
    pub(super) fn reason(self, reason: &Reason) -> String {
        match self {
            Self::English => reason.sentence.clone(),
            Self::German => match reasons::german(reason.code) {
                Some(sentence) => format!("{sentence} (Detail: {})", reason.sentence),
                None => format!("Detail: {}", reason.sentence),
            },
        }
    }

    pub(super) fn kind(self, kind: FileKind) -> &'static str {
        match kind {
            FileKind::Cms => self.pick("CMS signature (PKCS #7)", "CMS-Signatur (PKCS #7)"),
            FileKind::TimeStamp => self.pick("time stamp", "Zeitstempel"),
            FileKind::EvidenceRecord => self.pick("evidence record", "Beweisdokument (Evidence Record)"),
            FileKind::Xml => "XML",
            FileKind::Pdf => "PDF",
            FileKind::Asic => self.pick("signature container (ASiC, ZIP)", "Signaturcontainer (ASiC, ZIP)"),
            FileKind::Mail => self.pick("mail", "E-Mail"),
            FileKind::Encrypted => self.pick("encrypted message", "verschlüsselte Nachricht"),
            FileKind::Other => self.pick("other file", "andere Datei"),
        }
    }

    pub(super) fn coverage(self, coverage: Coverage) -> &'static str {
        match coverage {
            Coverage::WholeFile => self.pick("the whole file", "die ganze Datei"),
            Coverage::WholeRevision => self.pick(
                "a whole revision of the file; something was added later",
                "eine vollständige Fassung der Datei; später kam etwas hinzu",
            ),
            Coverage::Unclear => self.pick(
                "not a whole revision of the file: nobody can say what was signed",
                "keine vollständige Fassung der Datei: Es lässt sich nicht sagen, was unterschrieben wurde",
            ),
        }
    }

    /// What is covered, where inspection has a fixed phrase for it.
    pub(super) fn covered(self, what: &str) -> &str {
        match (self, what) {
            (Self::German, "the whole document") => "das ganze Dokument",
            (Self::German, "the whole file") => "die ganze Datei",
            (Self::German, "signed properties") => "signierte Eigenschaften",
            _ => what,
        }
    }

    pub(super) fn later_changes(self, changes: LaterChanges) -> &'static str {
        match changes {
            LaterChanges::None => self.pick("nothing", "nichts"),
            LaterChanges::LongTerm => self.pick(
                "nothing that is shown: evidence and time stamps were added",
                "nichts Sichtbares: Nachweise und Zeitstempel kamen hinzu",
            ),
            LaterChanges::Form => self.pick(
                "form fields were filled in or signed, as the signature permits",
                "Formularfelder wurden ausgefüllt oder unterschrieben, wie es die Signatur erlaubt",
            ),
            LaterChanges::Annotation => self.pick(
                "annotations were added, as the signature permits",
                "Anmerkungen kamen hinzu, wie es die Signatur erlaubt",
            ),
            LaterChanges::Other => {
                self.pick("something that the signature does not permit", "etwas, das die Signatur nicht erlaubt")
            }
        }
    }

    pub(super) fn process(self, process: Process) -> &'static str {
        match process {
            Process::Basic => self.pick("basic (EN 319 102-1, 5.3)", "einfach (EN 319 102-1, 5.3)"),
            Process::LongTerm => {
                self.pick("with time stamps (EN 319 102-1, 5.5)", "mit Zeitstempeln (EN 319 102-1, 5.5)")
            }
            Process::Archival => {
                self.pick("with archive data (EN 319 102-1, 5.6)", "mit Archivdaten (EN 319 102-1, 5.6)")
            }
        }
    }

    pub(super) fn role(self, role: CoveredRole) -> &'static str {
        match role {
            CoveredRole::Content => self.pick("content", "Inhalt"),
            CoveredRole::Properties => self.pick("properties of the signature", "Eigenschaften der Signatur"),
            CoveredRole::ManifestEntry => self.pick("entry of a manifest", "Eintrag eines Manifests"),
        }
    }

    pub(super) fn stamp(self, kind: StampKind) -> &'static str {
        match kind {
            StampKind::Content => {
                self.pick("over the content, before signing", "über den Inhalt, vor der Unterschrift")
            }
            StampKind::Signature => self.pick("over the signature", "über die Signatur"),
            StampKind::SignatureAndReferences => {
                self.pick("over signature and references", "über Signatur und Verweise")
            }
            StampKind::References => self.pick("over references", "über Verweise"),
            StampKind::Archive => self.pick("archive time stamp", "Archivzeitstempel"),
            StampKind::Document => self.pick("over the document", "über das Dokument"),
            StampKind::Container => self.pick("over the container", "über den Container"),
            StampKind::Alone => self.pick("file of its own", "eigene Datei"),
        }
    }

    pub(super) fn object(self, kind: ObjectKind) -> &'static str {
        match kind {
            ObjectKind::Certificate => self.pick("certificate", "Zertifikat"),
            ObjectKind::Crl => self.pick("revocation list", "Sperrliste"),
            ObjectKind::OcspResponse => self.pick("OCSP answer", "OCSP-Auskunft"),
            ObjectKind::Stamp => self.pick("time stamp", "Zeitstempel"),
            ObjectKind::Record => self.pick("evidence record", "Beweisdokument"),
        }
    }

    /// The name of a claim of the signer.
    pub(super) fn claim(self, name: &str) -> String {
        match name {
            "role" => self.pick("Claimed role", "Angegebene Rolle").into(),
            "place" => self.pick("Claimed place", "Angegebener Ort").into(),
            "commitment" => self.pick("Commitment", "Art der Erklärung").into(),
            "policy" => self.pick("Signature policy", "Signaturrichtlinie").into(),
            "reason" => self.pick("Claimed reason", "Angegebener Grund").into(),
            other => other.to_owned(),
        }
    }

    /// Why a certificate was revoked (RFC 5280 section 5.3.1).
    pub(super) fn revocation_reason(self, code: Option<u8>) -> &'static str {
        match code {
            Some(1) => self.pick("key compromised", "Schlüssel kompromittiert"),
            Some(2) => self.pick("authority compromised", "Zertifizierungsstelle kompromittiert"),
            Some(3) => self.pick("affiliation changed", "Zugehörigkeit geändert"),
            Some(4) => self.pick("superseded", "ersetzt"),
            Some(5) => self.pick("operation ceased", "Betrieb eingestellt"),
            Some(6) => self.pick("on hold", "vorläufig gesperrt"),
            Some(8) => self.pick("removed from the list", "von der Liste genommen"),
            Some(9) => self.pick("privilege withdrawn", "Berechtigung entzogen"),
            Some(10) => self.pick("attribute authority compromised", "Attributstelle kompromittiert"),
            _ => self.pick("no reason given", "ohne Angabe von Gründen"),
        }
    }
}
