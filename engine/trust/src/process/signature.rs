//! One signature: its format, its cryptography, its signer, the acceptance of its attributes and algorithms (EN 319 102-1
//! clause 5.3), at the time at which it provably existed (5.5), and with proofs of the past (5.6).

use super::case::Case;
use super::certificate::{Moments, Standing, name};
use super::ledger::{Failed, Ledger};
use crate::algorithm::{hash_name, key_bits};
use crate::anchor::Uses;
use crate::policy::Rule;
use crate::report::{Conclusion, Process, Proof, SubIndication};
use formats::inspect::{
    Coverage, CoveredRole, Inspection, Integrity, LaterChanges, ObjectId, Signature, SignerReference, Stamp, StampKind,
};
use model::{Reason, Time};

/// What came out.
pub(crate) struct Verdict<'a> {
    pub(crate) conclusion: Conclusion,
    pub(crate) basic: Conclusion,
    pub(crate) process: Process,
    pub(crate) best_time: Time,
    pub(crate) proof: Proof,
    pub(crate) standing: Option<Standing>,
    pub(crate) ledger: Ledger<'a>,
}

impl<'a> Case<'a> {
    /// Judges a signature. Its time stamps, and those over it, were judged before.
    pub(crate) fn signature(&mut self, inspection: &Inspection, index: usize, signature: &Signature) -> Verdict<'a> {
        let id = ObjectId::of(&signature.signature_value);
        let (best_time, proof) = self.proofs.proof(id);
        let mut ledger = Ledger::new(self.policy());
        let (outcome, standing) = self.at(signature, Moments::at(self.now), &mut ledger);
        let basic = conclusion(&outcome);
        let (mut outcome, mut standing, mut process) = (outcome, standing, Process::Basic);
        if best_time < self.now && outcome.as_ref().err().is_none_or(|failed| may_be_mended(failed.sub)) {
            ledger = Ledger::new(self.policy());
            let moments = Moments { path: self.now, signer: best_time };
            (outcome, standing) = self.at(signature, moments, &mut ledger);
            process = Process::LongTerm;
            if let (Err(failed), Some(known)) = (&outcome, &standing) {
                let failed = failed.clone();
                let healed = self.past(known, id, &failed);
                outcome = match healed {
                    Ok(since) => {
                        process = Process::Archival;
                        self.accept(signature, since, &mut ledger)
                    }
                    Err(kept) => Err(self.sharpened(signature, known, kept, best_time)),
                };
            }
        }
        if let (Err(failed), Some(known)) = (&outcome, &standing) {
            outcome = Err(self.against_content_stamps(signature, known, failed.clone()));
        }
        if outcome.is_ok() {
            outcome = self.check_stamps(inspection, index, signature, best_time, &mut ledger);
        }
        let conclusion = conclusion(&outcome);
        Verdict { conclusion, basic, process, best_time, proof, standing, ledger }
    }

    /// All building blocks at given moments.
    fn at(
        &mut self,
        signature: &Signature,
        moments: Moments,
        ledger: &mut Ledger<'_>,
    ) -> (Result<(), Failed>, Option<Standing>) {
        let format = check_format(signature, ledger);
        let cryptography = check_cryptography(signature, ledger);
        let signer = signature.signer.as_ref().and_then(|der| self.read(der));
        let Some(signer) = signer else {
            let sentence = "the certificate of the signer is not known";
            let missing = ledger.find(Rule::SignerCertificate, Reason::new("signer-certificate-missing", sentence));
            return (format.and(missing).and(cryptography), None);
        };
        let named = check_reference(signature, ledger);
        let uses = if signature.attributes.mail_from.is_empty() { Uses::SIGN } else { Uses::MAIL };
        let standing = self.certificate(&signer, uses, moments, ledger);
        let path = standing.failed.clone().map_or(Ok(()), Err);
        let accepted = self.accept(signature, moments.signer, ledger);
        (format.and(named).and(cryptography).and(path).and(accepted), Some(standing))
    }

    /// Signature acceptance (clause 5.2.8): attributes, and algorithms at a moment.
    fn accept(&mut self, signature: &Signature, at: Time, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
        match signature.attributes.signing_time {
            Some(_) => ledger.pass(Rule::SigningTime),
            None => {
                let sentence = "the signer does not say when the signature was made";
                ledger.find(Rule::SigningTime, Reason::new("signing-time-missing", sentence))?;
            }
        }
        if let Some(policy) = &signature.attributes.policy {
            if policy.identifier.is_empty() || self.policy().signature_policies.contains(&policy.identifier) {
                ledger.pass(Rule::SignaturePolicy);
            } else {
                let sentence = format!("the signature policy {} is not known here", policy.identifier);
                ledger.find(Rule::SignaturePolicy, Reason::new("signature-policy-unknown", sentence))?;
            }
        }
        self.check_sender(signature, ledger)?;
        let bits = signature.key.as_ref().and_then(|key| key_bits(key));
        self.check_method(Rule::SignatureAlgorithms, "signature", signature.method, bits, at, ledger)?;
        for covered in signature.covered.iter().filter(|covered| covered.role != CoveredRole::ManifestEntry) {
            let Some(hash) = covered.algorithm else { continue };
            let suitable = self.policy().catalogue.hash(hash);
            let named = hash_name(hash).to_owned();
            self.check_suitable(Rule::SignatureAlgorithms, "content digest", named, None, suitable, at, ledger)?;
        }
        Ok(())
    }

    /// Mail: whether one of the signer's addresses is the sender's (RFC 8551 section 6).
    fn check_sender(&mut self, signature: &Signature, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
        let from = &signature.attributes.mail_from;
        let Some(signer) = signature.signer.as_ref().filter(|_| !from.is_empty()).and_then(|der| self.read(der)) else {
            return Ok(());
        };
        let certified = crate::usage::mail_addresses(&signer).unwrap_or_default();
        if from.iter().any(|from| certified.iter().any(|address| address.eq_ignore_ascii_case(from))) {
            ledger.pass(Rule::MailSender);
            return Ok(());
        }
        let sentence = match certified.first() {
            Some(address) => format!("the mail is from {}, but was signed by {address}", from.join(", ")),
            None => format!("the mail is from {}, but its signer has no mail address", from.join(", ")),
        };
        ledger.find(Rule::MailSender, Reason::new("mail-from-differs", sentence))
    }

    /// Requirements on time stamps, and their order.
    fn check_stamps(
        &self,
        inspection: &Inspection,
        index: usize,
        signature: &Signature,
        best_time: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let outer = inspection.stamps.iter().filter(|stamp| stamp.signatures.contains(&index));
        let all: Vec<&Stamp> = signature.stamps.iter().chain(outer).collect();
        let valid = |stamp: &&&Stamp| {
            self.stamps.get(&ObjectId::of(&stamp.bytes)).is_some_and(|facts| facts.conclusion.is_passed())
        };
        for stamp in all.iter().filter(|stamp| !valid(stamp)) {
            let facts = self.stamps.get(&ObjectId::of(&stamp.bytes));
            let why = facts.and_then(|facts| facts.conclusion.reason.as_ref());
            let why = why.map_or_else(String::new, |reason| format!(": {}", reason.sentence));
            ledger.find(
                Rule::StampsValid,
                Reason::new("time-stamp-invalid", format!("a time stamp counts for nothing{why}")),
            )?;
        }
        let times = |wanted: &dyn Fn(StampKind) -> bool| {
            let of_kind = all.iter().filter(valid).filter(|stamp| wanted(stamp.kind));
            of_kind.filter_map(|stamp| stamp.token.as_ref().ok().map(formats::tsp::Token::time)).collect::<Vec<_>>()
        };
        let over = times(&|kind| kind != StampKind::Content);
        if over.is_empty() {
            let sentence = "no time stamp proves when the signature existed";
            ledger.find(Rule::StampPresent, Reason::new("time-stamp-missing", sentence))?;
        } else {
            if all.iter().all(|stamp| valid(&stamp)) {
                ledger.pass(Rule::StampsValid);
            }
            ledger.pass(Rule::StampPresent);
        }
        let content = times(&|kind| kind == StampKind::Content);
        let signed = times(&|kind| kind == StampKind::Signature);
        let archived = times(&|kind| kind == StampKind::Archive);
        let disorder = |earlier: &[Time], later: &[Time]| {
            earlier.iter().max().zip(later.iter().min()).is_some_and(|(earlier, later)| earlier > later)
        };
        if disorder(&content, &over)
            || signed.iter().min().zip(archived.iter().min()).is_some_and(|(one, other)| one > other)
        {
            let sentence = "the time stamps are not in the order in which they must have been made";
            ledger.find(Rule::StampOrder, Reason::new("time-stamp-order", sentence))?;
        } else if !all.is_empty() {
            ledger.pass(Rule::StampOrder);
        }
        if ledger.wants(Rule::StampDelay) && !over.is_empty() {
            let claimed = signature.attributes.signing_time;
            if claimed.is_some_and(|claimed| claimed.plus(self.policy().stamp_delay_max) >= best_time) {
                ledger.pass(Rule::StampDelay);
            } else {
                let sentence = "the first time stamp came too long after the time that the signer claims";
                ledger.find(Rule::StampDelay, Reason::new("time-stamp-late", sentence))?;
            }
        }
        Ok(())
    }

    /// What a proof that the signature existed too early makes of dates that do not fit.
    fn sharpened(&self, signature: &Signature, standing: &Standing, failed: Failed, best_time: Time) -> Failed {
        let out_of_bounds = matches!(
            failed.sub,
            SubIndication::OutOfBoundsNoPoe | SubIndication::OutOfBoundsNotRevoked | SubIndication::NotYetValid
        );
        let signer = &standing.certificate;
        if out_of_bounds && best_time < signer.not_before() && !signature.signature_value.is_empty() {
            let sentence = format!(
                "the signature existed on {}, before {} was valid, from {} on",
                best_time.in_words(),
                name(signer),
                signer.not_before().in_words()
            );
            return Failed::new(SubIndication::NotYetValid, Reason::new("certificate-not-yet-valid", sentence));
        }
        failed
    }

    /// A valid time stamp over the content was there before the signature: then it was made after that time.
    fn against_content_stamps(&self, signature: &Signature, standing: &Standing, failed: Failed) -> Failed {
        let content = signature.stamps.iter().filter(|stamp| stamp.kind == StampKind::Content).filter(|stamp| {
            self.stamps.get(&ObjectId::of(&stamp.bytes)).is_some_and(|facts| facts.conclusion.is_passed())
        });
        let Some(not_before) =
            content.filter_map(|stamp| stamp.token.as_ref().ok().map(formats::tsp::Token::time)).max()
        else {
            return failed;
        };
        let signer = &standing.certificate;
        match failed.sub {
            SubIndication::RevokedNoPoe if standing.revoked_at.is_some_and(|at| at <= not_before) => {
                let sentence = format!("{} was revoked before the signature was made", name(signer));
                Failed::new(SubIndication::Revoked, Reason::new("certificate-revoked", sentence))
            }
            SubIndication::OutOfBoundsNoPoe | SubIndication::OutOfBoundsNotRevoked
                if signer.not_after() < not_before =>
            {
                let sentence = format!("{} had expired before the signature was made", name(signer));
                Failed::new(SubIndication::Expired, Reason::new("certificate-expired", sentence))
            }
            _ => failed,
        }
    }
}

/// Format checking (clause 5.2.2), and what a PDF shows about its revisions.
fn check_format(signature: &Signature, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
    let mut outcome = Ok(());
    for fault in &signature.faults {
        outcome = outcome.and(ledger.find(Rule::Format, fault.clone()));
    }
    if signature.faults.is_empty() {
        ledger.pass(Rule::Format);
    }
    let Some(pdf) = &signature.pdf else { return outcome };
    outcome = outcome.and(match pdf.coverage {
        Coverage::Unclear => {
            let sentence =
                "the signature does not cover a whole revision of the PDF, so that nobody can say what was signed";
            ledger.find(Rule::PdfCoverage, Reason::new("pdf-coverage", sentence))
        }
        Coverage::WholeFile | Coverage::WholeRevision => {
            ledger.pass(Rule::PdfCoverage);
            Ok(())
        }
    });
    let what =
        |otherwise: &str| pdf.changes.first().map_or_else(|| otherwise.to_owned(), |change| change.sentence.clone());
    outcome.and(match pdf.later {
        LaterChanges::Other => {
            let sentence =
                format!("the PDF was changed after the signature: {}", what("in a way that cannot be followed"));
            ledger.find(Rule::PdfChanges, Reason::new("pdf-changed", sentence))
        }
        LaterChanges::Annotation => {
            let sentence = format!("notes were added to the PDF after the signature: {}", what("as it permits"));
            ledger.pass(Rule::PdfChanges);
            ledger.find(Rule::PdfAnnotations, Reason::new("pdf-annotated", sentence))
        }
        LaterChanges::None | LaterChanges::LongTerm | LaterChanges::Form => {
            ledger.pass(Rule::PdfChanges);
            Ok(())
        }
    })
}

/// Cryptographic verification (clause 5.2.7).
fn check_cryptography(signature: &Signature, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
    let mut outcome = Ok(());
    let mut gravest = |result: Result<(), Failed>| {
        if let Err(failed) = result {
            // A wrong digest is certain; data that is missing may yet be found.
            match &outcome {
                Err(known) if Failed::sub(known).indication() >= failed.sub.indication() => {}
                _ => outcome = Err(failed),
            }
        }
    };
    let essential = |role: CoveredRole| role != CoveredRole::ManifestEntry;
    let (mut all_there, mut all_right, mut manifests_right) = (true, true, true);
    for covered in &signature.covered {
        match &covered.integrity {
            Integrity::Intact => {}
            Integrity::Changed => {
                let sentence = format!("{} is not what was signed", covered.what);
                let reason = Reason::new("content-changed", sentence);
                if essential(covered.role) {
                    all_right = false;
                    gravest(ledger.find(Rule::Digests, reason));
                } else {
                    manifests_right = false;
                    gravest(ledger.find(Rule::Manifests, reason));
                }
            }
            Integrity::Missing(reason) if essential(covered.role) => {
                all_there = false;
                gravest(ledger.find(Rule::SignedData, reason.clone()));
            }
            Integrity::Refused(reason) if essential(covered.role) => {
                all_right = false;
                gravest(ledger.find_as(Rule::Digests, SubIndication::FormatFailure, reason.clone()));
            }
            Integrity::Missing(reason) | Integrity::Refused(reason) => {
                manifests_right = false;
                gravest(ledger.find(Rule::Manifests, reason.clone()));
            }
        }
    }
    if signature.covered.iter().all(|covered| !essential(covered.role)) {
        all_there = false;
        let reason = Reason::new("nothing-covered", "the signature is over nothing");
        gravest(ledger.find_as(Rule::SignedData, SubIndication::FormatFailure, reason));
    }
    if all_there {
        ledger.pass(Rule::SignedData);
        if all_right {
            ledger.pass(Rule::Digests);
        }
    }
    if manifests_right && signature.covered.iter().any(|covered| !essential(covered.role)) {
        ledger.pass(Rule::Manifests);
    }
    match &signature.value {
        Ok(()) => ledger.pass(Rule::SignatureValue),
        // Without a certificate nobody can tell; that is said in its place.
        Err(_) if signature.key.is_none() => {}
        Err(reason) if signature.method.is_none() => {
            let sub = SubIndication::CryptoConstraintsFailureNoPoe;
            gravest(ledger.find_as(Rule::SignatureValue, sub, reason.clone()));
        }
        Err(reason) => gravest(ledger.find(Rule::SignatureValue, reason.clone())),
    }
    outcome
}

/// Identification of the signer's certificate (clause 5.2.3).
fn check_reference(signature: &Signature, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
    match signature.reference {
        SignerReference::Matches { issuer_differs, .. } => {
            ledger.pass(Rule::SignerCertificate);
            ledger.pass(Rule::SignerReference);
            if issuer_differs {
                let sentence = "the signed reference to the signer's certificate names another issuer or serial number";
                ledger.find(Rule::SignerReferenceIssuer, Reason::new("signer-reference-issuer", sentence))?;
            }
            Ok(())
        }
        SignerReference::Absent => {
            ledger.pass(Rule::SignerCertificate);
            let sentence = "the signature does not say, signed, which certificate the signer meant";
            ledger.find(Rule::SignerReference, Reason::new("signer-reference-missing", sentence))
        }
        SignerReference::Differs => {
            let sentence = "the signer meant another certificate than those that are known";
            ledger.find(Rule::SignerCertificate, Reason::new("signer-reference-differs", sentence))
        }
    }
}

impl Failed {
    fn sub(&self) -> SubIndication {
        self.sub
    }
}

fn conclusion(outcome: &Result<(), Failed>) -> Conclusion {
    match outcome {
        Ok(()) => Conclusion::passed(),
        Err(failed) => failed.clone().conclusion(),
    }
}

/// Results after which clause 5.5.4 goes on.
fn may_be_mended(sub: SubIndication) -> bool {
    matches!(
        sub,
        SubIndication::CryptoConstraintsFailureNoPoe
            | SubIndication::RevokedNoPoe
            | SubIndication::RevokedCaNoPoe
            | SubIndication::TryLater
            | SubIndication::OutOfBoundsNoPoe
            | SubIndication::OutOfBoundsNotRevoked
            | SubIndication::RevocationOutOfBoundsNoPoe
            | SubIndication::NoCertificateChainFoundNoPoe
            | SubIndication::SigConstraintsFailure
    )
}
