//! Signatures of others with the verdicts of others: the W3C's interoperability vectors, and the European reference
//! implementation's files.

use crate::support::Files;
use formats::xml::reference::Outside;
use formats::xml::tree::Document;
use formats::xml::verify;
use std::path::Path;

/// What we think of the first signature of a file: `None`, or what is wrong.
fn fault(bytes: &[u8], outside: &Outside<'_>) -> Option<String> {
    let document = match Document::parse(bytes) {
        Ok(document) => document,
        Err(error) => return Some(error.to_string()),
    };
    match verify::check_all(&document, outside) {
        Err(error) => Some(error.to_string()),
        Ok(all) if all.is_empty() => Some("no signature".to_owned()),
        Ok(all) => all.into_iter().find_map(|checked| match checked {
            Ok(checked) => checked.fault().map(ToString::to_string),
            Err(reason) => Some(reason.to_string()),
        }),
    }
}

fn rows(folder: &Path) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    table.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn the_vectors_of_the_w3c_verify_where_their_algorithms_are_allowed() {
    let Some(folder) = testkit::corpora::corpora("xmldsig-interop") else { return };
    let certificates: Vec<Vec<u8>> = testkit::corpora::files_below(&folder.join("merlin-xmldsig-twenty-three"), "der")
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let mut judged = 0;
    for row in rows(&folder) {
        let (path, keys) = (&row[0], &row[4]);
        let not_judged = match path.as_str() {
            _ if keys.contains("hmac") => Some("HMAC: whoever can check it can make it"),
            "merlin-xmldsig-twenty-three/signature.xml" => Some("a document type declaration, and XSLT"),
            _ => None,
        };
        let year = if path.ends_with("signature-x509-crt-crl.xml") { 2018 } else { 2005 };
        let external = |name: &str| std::fs::read(folder.join("external-data").join(name)).unwrap();
        let files = Files(vec![
            ("http://www.w3.org/TR/xml-stylesheet".to_owned(), external(&format!("xml-stylesheet-{year}"))),
            ("http://www.w3.org/Signature/2002/04/xml-stylesheet.b64".to_owned(), external("xml-stylesheet-2005.b64")),
        ]);
        let outside = Outside { files: Some(&files), certificates: &certificates };
        let found = fault(&std::fs::read(folder.join(path)).unwrap(), &outside);
        match (not_judged, found) {
            (Some(why), Some(_)) => eprintln!("not judged: {path}: {why}"),
            (Some(_), None) => panic!("{path} should be refused"),
            (None, found) => {
                assert_eq!(found.is_none(), row[1] == "valid", "{path}: {found:?}");
                judged += 1;
            }
        }
    }
    assert_eq!(judged, 17);
}

#[test]
fn files_of_the_reference_implementation_are_judged_as_by_two_others() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    let (mut right, mut wrong) = (0, Vec::new());
    for row in rows(&folder) {
        let column = |at: usize| row.get(at).map_or("", String::as_str);
        if column(3) != "yes" || !column(0).starts_with("dss-xades") || !column(0).ends_with(".xml") {
            continue;
        }
        if column(13).contains("dynamic") || column(11).contains("dynamic") {
            continue; // what was signed is not a file
        }
        let found = fault(&std::fs::read(folder.join(column(0))).unwrap(), &Outside::default());
        match (column(1).starts_with("valid"), &found) {
            (true, None) | (false, Some(_)) => right += 1,
            _ => wrong.push(format!("{} should be {}, but: {found:?}", column(0), column(1))),
        }
    }
    eprintln!("{right} as the others say; not:\n{}", wrong.join("\n"));
    // Two whose signing-certificate property names another certificate: intact to the others, which do not compare it.
    assert!(wrong.len() == 2 && wrong.iter().all(|row| row.contains("wrong-") && row.contains("digest.xml")));
    assert!(right >= 60);
}
