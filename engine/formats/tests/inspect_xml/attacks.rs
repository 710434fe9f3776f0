//! Signatures that are passed off as ones over something else: each is refused with a sentence that says what was tried,
//! or the words on what is covered, and on what is not, leave no doubt.

use crate::support::{by_id, signatures, taken_apart, whole, wrong};
use formats::FormatError;
use formats::inspect::Signature;

const LINE: &str = "<line Id=\"L1\">1000 EUR</line>";
const FORGED: &str = "<line Id=\"L1\">9 EUR</line>";

/// A file with these texts exchanged, each of which must be there.
fn with(file: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(file.to_owned(), |file, (from, to)| {
        assert!(file.contains(from), "{from}");
        file.replacen(from, to, 1)
    })
}

fn first(file: &str) -> Signature {
    signatures(file).remove(0)
}

/// The codes of what is wrong with the first signature.
fn codes(file: &str) -> Vec<String> {
    let wrong = wrong(&first(file));
    wrong.into_iter().map(|said| said.split_once(':').unwrap().0.to_owned()).collect()
}

/// The signature as it is in the file.
fn signature_text(file: &str) -> &str {
    let start = file.find("<ds:Signature ").unwrap();
    let end = file.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    &file[start..end]
}

/// What is in the file between two texts, these included.
fn cut<'f>(file: &'f str, from: &str, to: &str) -> &'f str {
    let start = file.find(from).unwrap();
    let end = start + file[start..].find(to).unwrap() + to.len();
    &file[start..end]
}

#[test]
fn an_untouched_document_is_right() {
    for file in [by_id(), whole()] {
        assert_eq!(codes(file), [""; 0]);
    }
}

#[test]
fn what_is_signed_cannot_be_moved_away_unnoticed() {
    let file = by_id();
    // The signed line elsewhere, and another one in its place: still signed, and the words say what and where.
    let moved = with(file, &[(LINE, "<line>9 EUR</line>"), ("<evil/>", &format!("<evil>{LINE}</evil>"))]);
    let signature = first(&moved);
    assert_eq!(signature.covered[0].what, "element line (#L1) at /order/evil/line");
    let note = signature.notes.iter().find(|note| note.code == "partly-covered").unwrap();
    assert!(note.sentence.ends_with("not covered: /order/line, /order/line[2]"), "{note}");

    // Into an object of the signature, where only programs look.
    let object = format!("<ds:Object>{LINE}</ds:Object></ds:Signature>");
    let hidden = with(file, &[(LINE, "<line>9 EUR</line>"), ("</ds:Signature>", &object)]);
    let what = first(&hidden).covered.remove(0).what;
    assert_eq!(what, "element line (#L1) at /order/Signature/Object[2]/line");

    // The whole old document inside of a new one: its root is not the root any more.
    let inner = whole().to_owned();
    let around = format!("<new><pay>1 000 000 EUR</pay>{inner}</new>");
    assert_eq!(codes(&around), ["changed"], "the reference means the new document");
}

#[test]
fn an_id_that_is_there_twice_means_nothing() {
    let file = by_id();
    for copy in [
        FORGED.to_owned(),
        FORGED.replace("Id=", "ID="),
        FORGED.replace("Id=", "id="),
        FORGED.replace("Id=", "xml:id="),
    ] {
        for (from, to) in [("<evil/>", copy.clone()), ("<order>", format!("<order>{copy}"))] {
            let attack = with(file, &[(from, &to)]);
            let signature = first(&attack);
            let said = wrong(&signature).join("\n");
            assert!(said.contains("several elements have the Id \"L1\""), "{said}");
        }
    }
    // The other name of an Id, which SOAP uses.
    let security = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    let copy = format!("<line xmlns:u=\"{security}\" u:Id=\"L1\">9 EUR</line>");
    assert_eq!(codes(&with(file, &[("<evil/>", &copy)])), ["signature-malformed"]);
}

#[test]
fn a_signature_with_parts_twice_is_ambiguous() {
    let file = by_id();
    let info = cut(file, "<ds:SignedInfo", "</ds:SignedInfo>");
    let forged = info.replacen("#L1", "#L2", 1);
    for attack in [format!("{forged}{info}"), format!("{info}{forged}")] {
        let codes = codes(&with(file, &[(info, &attack)]));
        assert!(codes.contains(&"signature-ambiguous".to_owned()), "{codes:?}");
    }
    let value = cut(file, "<ds:SignatureValue", "</ds:SignatureValue>");
    let key = cut(file, "<ds:KeyInfo", "</ds:KeyInfo>");
    let properties = cut(file, "<xades:SignedProperties", "</xades:SignedProperties>");
    let qualifying = cut(file, "<xades:QualifyingProperties", "</xades:QualifyingProperties>");
    let renamed = properties.replacen("Signature-1-properties", "other", 1);
    for (part, forged) in [
        (value, value.to_owned()),
        (key, key.to_owned()),
        (properties, renamed),
        (qualifying, qualifying.replacen("Signature-1-properties", "other", 1)),
    ] {
        for attack in [format!("{forged}{part}"), format!("{part}{forged}")] {
            let codes = codes(&with(file, &[(part, &attack)]));
            assert!(codes.contains(&"signature-ambiguous".to_owned()), "{codes:?} for {}", &part[..30]);
        }
    }
    let digest = cut(file, "<ds:DigestValue", "</ds:DigestValue>");
    assert!(codes(&with(file, &[(digest, &digest.repeat(2))])).contains(&"signature-ambiguous".to_owned()));
}

#[test]
fn properties_that_were_not_signed_do_not_count() {
    let file = by_id();
    let properties = cut(file, "<xades:SignedProperties", "</xades:SignedProperties>");
    let forged = properties.replacen("Signature-1-properties", "other", 1).replacen(
        "<xades:SigningTime>20",
        "<xades:SigningTime>19",
        1,
    );
    // The signed ones elsewhere, other ones in their place.
    let attack = with(file, &[(properties, &forged), ("<evil/>", &format!("<evil>{properties}</evil>"))]);
    let attack = attack.replacen(
        "<evil>",
        "<evil xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
        1,
    );
    let signature = first(&attack);
    assert!(wrong(&signature).iter().any(|said| said.contains("exchanged") && said.contains("/order/evil/")));
    assert_eq!(signature.attributes, formats::inspect::Attributes::default());

    // A whole set of properties in an object, without a reference to it.
    let plain = with(file, &[("Type=\"http://uri.etsi.org/01903#SignedProperties\" ", "")]);
    assert!(codes(&plain).contains(&"signature-broken".to_owned()), "SignedInfo was changed");

    // Those of another signature.
    let target = with(file, &[("Target=\"#Signature-1\"", "Target=\"#L2\"")]);
    assert_eq!(codes(&target), ["properties-target"]);
}

#[test]
fn a_reference_to_the_signature_itself_or_to_nothing_is_refused() {
    let pointing = |uri: &str| codes(&with(by_id(), &[("URI=\"#L1\"", &format!("URI=\"{uri}\""))]));
    let refused = |uri: &str, code: &str| {
        let codes = pointing(uri);
        assert!(codes.contains(&code.to_owned()), "{uri}: {codes:?}");
        assert!(codes.contains(&"signature-broken".to_owned()), "SignedInfo was changed");
    };
    refused("#Signature-1", "covers-itself");
    refused("", "covers-itself");
    refused("#nowhere", "reference-missing");
    refused("#xpointer(//line)", "reference-missing");
    refused("http://localhost/secret", "reference-external");
    refused("file:///etc/passwd", "reference-external");
    refused("../../etc/passwd", "original-missing");
}

#[test]
fn transforms_that_compute_or_choose_nothing_are_refused() {
    let canonical = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let transformed = |transforms: &str| wrong(&first(&with(by_id(), &[(canonical, transforms)]))).join("\n");
    let xpath = |expression: &str| {
        format!(
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>{expression}</ds:XPath></ds:Transform>"
        )
    };
    let xslt =
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x xmlns=\"urn:x\"/></ds:Transform>";
    for (transforms, said) in [
        (xslt.to_owned(), "a program (XSLT)"),
        (canonical.repeat(11), "more than 10 transforms"),
        (xpath("false()"), "leave nothing to be signed"),
        (xpath("document('http://localhost/')"), "XPath expression"),
        (xpath(&"(".repeat(5_000)), "XPath expression"),
        ("<ds:Transform Algorithm=\"urn:unknown\"/>".to_owned(), "algorithm \"urn:unknown\""),
        ("<evil/>".to_owned(), "where a Transform must be"),
    ] {
        let found = transformed(&transforms);
        assert!(found.contains(said), "{said}: {found}");
    }
    // An expression that leaves out the amount: it is said what is not signed.
    let without = xpath("not(self::text())") + canonical;
    let what = first(&with(by_id(), &[(canonical, &without)])).covered.remove(0).what;
    assert_eq!(what, "element line (#L1) at /order/line without /order/line");
}

#[test]
fn base64_is_base64_and_nothing_else() {
    let file = by_id();
    for local in ["SignatureValue", "X509Certificate", "DigestValue"] {
        let start = file.find(&format!("<ds:{local}")).unwrap();
        let text = start + file[start..].find('>').unwrap() + 1;
        for between in ["<!-- -->", "<?a b?>", "<x/>", "!", "&#xA0;"] {
            let at = text + 8;
            let attack = [&file[..at], between, &file[at..]].concat();
            let said = wrong(&first(&attack)).join("\n");
            assert!(said.contains("signature-malformed"), "{local} with {between}: {said}");
        }
        // White space is.
        let blank = [&file[..text + 8], " \n\t", &file[text + 8..]].concat();
        let codes = codes(&blank);
        assert!(!codes.contains(&"signature-malformed".to_owned()), "{local}: {codes:?}");
    }
}

#[test]
fn what_makes_a_reader_load_or_swell_is_refused_as_a_whole() {
    let refused = |file: &str| match taken_apart(file.as_bytes(), &[], &[]) {
        Err(FormatError::Document(reason)) => reason.code,
        other => panic!("{other:?}"),
    };
    let declared = |declaration: &str| with(whole(), &[("<order>", &format!("{declaration}<order>"))]);
    assert_eq!(refused(&declared("<!DOCTYPE order [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>")), "xml-doctype");
    assert_eq!(refused(&declared("<!DOCTYPE order [<!ATTLIST line Id ID #IMPLIED>]>")), "xml-doctype");
    assert_eq!(refused(&declared("<!DOCTYPE order>")), "xml-doctype");
    assert_eq!(refused(&with(whole(), &[("1000 EUR", "&amount;")])), "xml-syntax");
    let many =
        format!("<order>{}</order>", "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>".repeat(257));
    assert_eq!(refused(&many), "too-many-signatures");
}

#[test]
fn a_counter_signature_over_something_else_is_a_fault() {
    // A complete other signature, put where a counter-signature would be.
    let inner = signature_text(by_id()).replace("Signature-1", "Counter");
    let unsigned = format!(
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CounterSignature>{inner}\
         </xades:CounterSignature></xades:UnsignedSignatureProperties></xades:UnsignedProperties>\
         </xades:QualifyingProperties>"
    );
    let file = by_id();
    let end = file.rfind("</xades:QualifyingProperties>").unwrap();
    let attack = [&file[..end], &unsigned, &file[end + "</xades:QualifyingProperties>".len()..]].concat();
    let all = signatures(&attack);
    assert_eq!(all.iter().map(|signature| signature.parent).collect::<Vec<_>>(), [None, Some(0)]);
    assert_eq!(wrong(&all[0]), [""; 0]);
    assert!(wrong(&all[1]).iter().any(|said| said.starts_with("counter-signature-elsewhere")));
}

#[test]
fn a_key_that_proves_nothing_is_said_to() {
    let hmac = with(whole(), &[("xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256")]);
    let signature = first(&hmac);
    assert!(signature.method.is_none());
    assert!(signature.value.unwrap_err().sentence.contains("HMAC"));
    // Without any certificate.
    let key = cut(whole(), "<ds:KeyInfo", "</ds:KeyInfo>");
    let signature = first(&with(whole(), &[(key, "")]));
    assert_eq!(signature.value.unwrap_err().code, "signer-certificate-missing");
    assert!(signature.signer.is_none());
}

#[test]
fn work_is_bounded() {
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>true()</ds:XPath></ds:Transform>";
    let reference = cut(by_id(), "<ds:Reference", "</ds:Reference>");
    let canonical = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let costly = reference.replacen(canonical, &xpath.repeat(10), 1).repeat(100);
    let said = wrong(&first(&with(by_id(), &[(reference, &costly)]))).join("\n");
    assert!(said.contains("too-much-work"), "{said}");
    let many = reference.repeat(1_001);
    assert!(wrong(&first(&with(by_id(), &[(reference, &many)]))).join("\n").contains("more than 1000 references"));
}
