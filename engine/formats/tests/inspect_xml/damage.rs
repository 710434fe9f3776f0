//! Every kind of damage is found, told apart, and never makes the reader panic; and nothing is right here that xmlsec1
//! refuses for the sake of cryptography.

use crate::support::{archived, by_id, signatures, taken_apart, whole, wrong_or_foreign};
use formats::inspect::{Integrity, Signature};
use proptest::prelude::*;
use testkit::pki::Pki;

/// A file with one text exchanged.
fn changed(file: &str, from: &str, to: &str) -> String {
    assert!(file.contains(from), "{from}");
    file.replacen(from, to, 1)
}

/// A file with the octets at the end of an element's base64 exchanged.
fn tampered(file: &str, element: &str) -> String {
    let start = file.find(&format!("<{element}")).unwrap_or_else(|| panic!("no {element}"));
    let text = start + file[start..].find('>').unwrap() + 1;
    let at = text + 20;
    let other = if file.as_bytes()[at] == b'A' { "B" } else { "A" };
    [&file[..at], other, &file[at + 1..]].concat()
}

/// What is to be found in a damaged file.
struct Damage {
    name: &'static str,
    file: String,
    /// Starts of what is wrong with the first signature, each of which must be found; none: it is right still.
    found: &'static [&'static str],
    /// The stamps, in order, that are right still.
    stamps: &'static [bool],
}

fn damages() -> Vec<Damage> {
    let damage = |name, file, found| Damage { name, file, found, stamps: &[] };
    let later = |name, file, stamps| Damage { name, file, found: &[], stamps };
    let file = by_id();
    let long = archived();
    let empty = |local: &str| {
        let start = long.find(&format!("<{local}>")).unwrap() + local.len() + 2;
        let end = start + long[start..].find('<').unwrap();
        [&long[..start], &long[end..]].concat()
    };
    vec![
        damage("content", changed(file, "1000 EUR", "1000 USD"), &["changed"]),
        damage("attribute", changed(file, "<line Id=\"L1\">", "<line Id=\"L1\" a=\"\">"), &["changed"]),
        damage("element", changed(file, "1000 EUR", "1000 EUR<x/>"), &["changed"]),
        damage(
            "namespace of the content",
            changed(file, "<line Id=\"L1\">", "<line xmlns=\"urn:x\" Id=\"L1\">"),
            &["changed"],
        ),
        damage("what is not signed", changed(file, "2 EUR", "3 EUR"), &[]),
        damage("comment", changed(file, "1000 EUR", "1000<!-- x --> EUR"), &[]),
        damage("a blank in an attribute's tag", changed(file, "<line Id=\"L1\">", "<line  Id='L1' >"), &[]),
        damage("value", tampered(file, "ds:SignatureValue"), &["signature-broken"]),
        damage("digest", tampered(file, "ds:DigestValue"), &["changed", "signature-broken"]),
        damage(
            "digest cut",
            changed(file, "=</ds:DigestValue>", "</ds:DigestValue>"),
            &["signature-malformed", "signature-broken"],
        ),
        damage(
            "digest algorithm",
            changed(file, "xmlenc#sha256", "xmlenc#sha512"),
            &["signature-malformed", "signature-broken"],
        ),
        damage(
            "digest unknown",
            changed(file, "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#md5"),
            &["algorithm-unknown", "signature-broken"],
        ),
        damage("method", changed(file, "ecdsa-sha256", "ecdsa-sha384"), &["signature-broken"]),
        damage(
            "method of another key",
            changed(file, "xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256"),
            &["signature-broken"],
        ),
        damage(
            "method unknown",
            changed(file, "xmldsig-more#ecdsa-sha256", "xmldsig-more#nobody"),
            &["algorithm-unknown"],
        ),
        damage(
            "canonicalisation",
            changed(
                file,
                "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
                "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"",
            ),
            &["signature-broken"],
        ),
        damage(
            "canonicalisation unknown",
            changed(
                file,
                "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
                "<ds:CanonicalizationMethod Algorithm=\"urn:x\"",
            ),
            &["algorithm-unknown"],
        ),
        damage(
            "signing time",
            changed(file, "<xades:SigningTime>20", "<xades:SigningTime>19"),
            &["changed: the signed properties"],
        ),
        damage(
            "reference to the certificate",
            tampered(file, "xades:CertDigest><ds:DigestMethod"),
            &["changed: the signed properties"],
        ),
        damage("certificate", tampered(file, "ds:X509Certificate"), &["certificate: it is not"]),
        damage("type of an object", changed(file, "#SignedProperties\" ", "#Other\" "), &["signature-broken"]),
        damage(
            "no references",
            {
                let start = file.find("<ds:Reference").unwrap();
                let end = file.rfind("</ds:Reference>").unwrap() + 15;
                [&file[..start], &file[end..]].concat()
            },
            &["signature-malformed: a signature in the file breaks the rules: it refers to nothing"],
        ),
        damage("a foreign part", changed(file, "<ds:KeyInfo", "<evil/><ds:KeyInfo"), &["signature-malformed"]),
        damage("text between", changed(file, "<ds:KeyInfo", "text<ds:KeyInfo"), &["signature-malformed"]),
        damage(
            "order of parts",
            changed(
                &changed(file, "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>", ""),
                "</ds:DigestValue>",
                "</ds:DigestValue><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
            ),
            &["signature-malformed"],
        ),
        damage("whole", changed(whole(), "1000 EUR", "1000 USD"), &["changed: the whole document"]),
        // Stamps: over the signature, over everything, and again.
        later("nothing", long.to_owned(), &[true, true, true]),
        later("evidence", tampered(long, "xades:EncapsulatedCRLValue"), &[true, false, false]),
        later(
            "later evidence",
            {
                let at = long.find("<xades141:TimeStampValidationData").unwrap();
                [&long[..at], &tampered(&long[at..], "xades:EncapsulatedOCSPValue")].concat()
            },
            &[true, true, false],
        ),
        later("a stamp taken out", empty("xades:EncapsulatedTimeStamp"), &[false, false, false]),
        later("key info", changed(long, "<ds:KeyInfo>", "<ds:KeyInfo> "), &[true, false, false]),
        Damage {
            name: "stamped value",
            file: tampered(long, "ds:SignatureValue"),
            found: &["signature-broken"],
            stamps: &[false, false, false],
        },
    ]
}

#[test]
fn each_kind_of_damage_is_found_for_what_it_is() {
    let all = damages();
    assert!(all.len() >= 25);
    for Damage { name, file, found, stamps } in all {
        let signature: Signature = signatures(&file).remove(0);
        let said = wrong_or_foreign(&signature);
        assert_eq!(said.is_empty(), found.is_empty(), "{name}: {said:?}");
        for start in found {
            assert!(said.iter().any(|said| said.starts_with(start)), "{name}: {start}: {said:?}");
        }
        let right: Vec<bool> = signature.stamps.iter().map(|stamp| stamp.imprint == Integrity::Intact).collect();
        assert_eq!(right, stamps, "{name}");
    }
}

#[test]
fn nothing_is_right_that_xmlsec1_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let anchor = Pki::shared().root_pem();
    let (mut right, mut refused) = (0, 0);
    for (number, damage) in damages().into_iter().enumerate().filter(|(_, damage)| damage.stamps.is_empty()) {
        let file = folder.path().join(format!("{number}.xml"));
        std::fs::write(&file, &damage.file).unwrap();
        let verdict = testkit::judge_xml::xmlsec1(&file, &anchor, &["line", "SignedProperties"]).unwrap();
        match wrong_or_foreign(&signatures(&damage.file)[0]).is_empty() {
            true => {
                assert_eq!(verdict, Ok(()), "{}", damage.name);
                right += 1;
            }
            false => refused += usize::from(verdict.is_err()),
        }
    }
    assert!(right >= 3 && refused >= 15, "{right} {refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn mutated_signatures_never_panic_and_never_say_more_than_was_signed(seed in any::<u64>()) {
        let samples: Vec<Vec<u8>> = [by_id(), whole(), archived()].map(|file| file.as_bytes().to_vec()).into();
        for mutated in testkit::mutate::mutations(&samples, seed).take(4) {
            let Ok(found) = taken_apart(&mutated, &[("beside", &mutated)], &[]) else { continue };
            for signature in found.signatures {
                if wrong_or_foreign(&signature).is_empty() {
                    let value = &signature.signature_value[..];
                    let known = [by_id(), whole(), archived()].map(|file| signatures(file).remove(0).signature_value);
                    prop_assert!(known.iter().any(|known| known[..] == *value), "a value that nobody made");
                }
            }
        }
    }
}
