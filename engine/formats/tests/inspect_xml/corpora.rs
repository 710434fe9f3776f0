//! Files of others with the verdicts of others.

use crate::support::{taken_apart, wrong};
use std::path::Path;

fn rows(folder: &Path) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    table.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn explore() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    for row in rows(&folder) {
        let column = |at: usize| row.get(at).map_or("", String::as_str);
        if !column(0).starts_with("dss-xades") || !column(0).ends_with(".xml") {
            continue;
        }
        let mut beside = Vec::new();
        for name in column(11).split(';').filter(|name| name.starts_with("dss-xades")) {
            beside.push((name.rsplit('/').next().unwrap().to_owned(), std::fs::read(folder.join(name)).unwrap()));
        }
        let beside: Vec<_> =
            beside.iter().map(|(name, bytes)| (name.as_str(), bytes as &dyn formats::Source)).collect();
        eprintln!(
            "== {} {} consensus={} stamps={} level={} det={}",
            column(0),
            column(1),
            column(3),
            column(5),
            column(8),
            column(11)
        );
        let inspection = match taken_apart(&std::fs::read(folder.join(column(0))).unwrap(), &beside, &[]) {
            Ok(inspection) => inspection,
            Err(error) => {
                eprintln!("   ERR {error}");
                continue;
            }
        };
        for signature in &inspection.signatures {
            eprintln!(
                "   {:?} {:?} parent {:?} {:?} certs {} crl {} ocsp {} time {:?}",
                signature.name,
                signature.format,
                signature.parent,
                signature.reference,
                signature.evidence.certificates.len(),
                signature.evidence.crls.len(),
                signature.evidence.ocsp_responses.len(),
                signature.attributes.signing_time.map(|t| t.civil())
            );
            eprintln!("      {:?}", signature.attributes);
            for covered in &signature.covered {
                eprintln!("      {:?} {} {:?}", covered.role, covered.what, covered.integrity);
            }
            for problem in wrong(signature) {
                eprintln!("      WRONG {problem}");
            }
            for note in &signature.notes {
                eprintln!("      note {note}");
            }
            for stamp in &signature.stamps {
                eprintln!(
                    "      stamp {:?} {:?} covers {} {}",
                    stamp.kind,
                    stamp.imprint,
                    stamp.covers.len(),
                    stamp.token.as_ref().err().map_or(String::new(), ToString::to_string)
                );
            }
        }
        for record in &inspection.records {
            eprintln!(
                "      record xml {} objects {} digests {:?} covers {}",
                record.xml,
                record.objects.len(),
                record.objects.iter().map(|o| o.digests.len()).collect::<Vec<_>>(),
                record.covers.len()
            );
        }
    }
}
