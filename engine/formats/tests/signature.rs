//! The check of foreign signatures against the vectors of the Wycheproof project and against what openssl makes.

#![allow(clippy::unwrap_used)]

use formats::cms::certificate::Certificate;
use formats::der::{Reader, TAG_SEQUENCE};
use formats::signature::{HashAlgorithm, Method, Pss, Unverified, certificate_signed_by};
use serde_json::Value;
use std::path::Path;
use testkit::corpora::corpora;
use testkit::tools::run_ok;

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hash(name: &Value) -> HashAlgorithm {
    match name.as_str().unwrap() {
        "SHA-1" => HashAlgorithm::Sha1,
        "SHA-224" => HashAlgorithm::Sha224,
        "SHA-256" => HashAlgorithm::Sha256,
        "SHA-384" => HashAlgorithm::Sha384,
        "SHA-512" => HashAlgorithm::Sha512,
        "SHA-512/224" => HashAlgorithm::Sha512Of224,
        "SHA-512/256" => HashAlgorithm::Sha512Of256,
        other => panic!("a digest that the vectors did not have before: {other}"),
    }
}

fn method(file: &str, group: &Value) -> Method {
    match group["type"].as_str().unwrap() {
        "RsassaPkcs1Verify" => Method::RsaPkcs1(hash(&group["sha"])),
        "RsassaPssVerify" | "RsassaPssWithParametersVerify" => Method::RsaPss(Pss {
            hash: hash(&group["sha"]),
            mask: hash(&group["mgfSha"]),
            salt_length: u16::try_from(group["sLen"].as_u64().unwrap()).unwrap(),
        }),
        "EcdsaVerify" => Method::Ecdsa(hash(&group["sha"])),
        "EddsaVerify" if file.contains("448") => Method::Ed448,
        "EddsaVerify" => Method::Ed25519,
        other => panic!("{file}: a kind of test that the vectors did not have before: {other}"),
    }
}

/// Every vector is judged as its authors say.
#[test]
fn wycheproof() {
    let Some(folder) = corpora("wycheproof") else { return };
    let mut tests = 0;
    let mut wrong = Vec::new();
    for path in testkit::corpora::files_below(&folder, "json") {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if !["ecdsa", "ed25519", "ed448", "rsa_pss"].iter().any(|kind| file.starts_with(kind)) {
            continue;
        }
        let all: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for group in all["testGroups"].as_array().unwrap() {
            let method = method(&file, group);
            let key = hex(&group["publicKeyDer"]);
            for test in group["tests"].as_array().unwrap() {
                let verdict = method.verify(&key, &hex(&test["msg"]), &hex(&test["sig"]));
                let agreed = match test["result"].as_str().unwrap() {
                    "valid" => verdict.is_ok(),
                    "invalid" => verdict.is_err(),
                    _ => true,
                };
                if !agreed {
                    wrong.push(format!("{file} {} {} {verdict:?}", test["tcId"], test["comment"]));
                }
                tests += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tests}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tests > 2_000, "only {tests} vectors were found");
    println!("{tests} vectors");
}

#[test]
fn md5_is_refused_by_its_name() {
    let identifier = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00";
    let refused = formats::signature::verify(&[], identifier, b"", b"");
    assert_eq!(refused, Err(Unverified::UnknownAlgorithm("1.2.840.113549.1.1.4".into())));
}

/// Makes a certificate that is signed by itself.
fn self_signed(folder: &Path, key: &[&str], more: &[&str]) -> Vec<u8> {
    let (key_file, out) = (folder.join("key.pem"), folder.join("certificate.der"));
    let mut generate = vec!["genpkey", "-out", key_file.to_str().unwrap()];
    generate.extend(key);
    run_ok("openssl", generate).unwrap();
    let mut request = vec!["req", "-x509", "-new", "-key", key_file.to_str().unwrap(), "-subj", "/CN=x"];
    request.extend(["-outform", "DER", "-out", out.to_str().unwrap()]);
    request.extend(more);
    run_ok("openssl", request).unwrap();
    std::fs::read(out).unwrap()
}

/// Certificates by openssl with every kind of key and digest verify with their own key and not with another, and not
/// once a bit has changed.
#[test]
fn openssl_signs_and_we_verify() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let parameters = folder.join("dsa.pem");
    let parameters = parameters.to_str().unwrap();
    let dsa = ["genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048", "-out", parameters];
    run_ok("openssl", dsa).unwrap();

    let rsa: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let mut wanted: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for digest in ["-sha1", "-sha224", "-sha256", "-sha384", "-sha512", "-sha512-256", "-sha3-256", "-sha3-512"] {
        wanted.push((rsa.to_vec(), vec![digest]));
    }
    wanted.push((vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], vec!["-sha1"]));
    wanted.push((rsa.to_vec(), vec!["-ripemd160"]));
    let pss = ["-sigopt", "rsa_padding_mode:pss"];
    for more in [
        &["-sha256", "-sigopt", "rsa_pss_saltlen:32"][..],
        &["-sha256", "-sigopt", "rsa_pss_saltlen:0"],
        &["-sha256", "-sigopt", "rsa_pss_saltlen:max"],
        &["-sha1", "-sigopt", "rsa_pss_saltlen:20"],
        &["-sha512", "-sigopt", "rsa_mgf1_md:sha1"],
    ] {
        wanted.push((rsa.to_vec(), [&pss[..], more].concat()));
    }
    let restricted = ["rsa_pss_keygen_md:sha384", "rsa_pss_keygen_mgf1_md:sha384", "rsa_pss_keygen_saltlen:48"];
    let mut pss_key = vec!["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"];
    wanted.push((pss_key.clone(), vec!["-sha256"]));
    pss_key.extend(restricted.iter().flat_map(|option| ["-pkeyopt", option]));
    wanted.push((pss_key, vec!["-sha384"]));
    let curves = [
        ("P-224", "-sha224"),
        ("P-256", "-sha1"),
        ("P-256", "-sha512"),
        ("P-384", "-sha384"),
        ("P-521", "-sha3-512"),
        ("secp256k1", "-sha256"),
        ("brainpoolP224r1", "-sha224"),
        ("brainpoolP256r1", "-sha256"),
        ("brainpoolP320t1", "-sha384"),
        ("brainpoolP384r1", "-sha384"),
        ("brainpoolP512r1", "-sha512"),
        ("brainpoolP512t1", "-sha512"),
    ];
    let curves: Vec<_> = curves.iter().map(|(name, digest)| (format!("ec_paramgen_curve:{name}"), *digest)).collect();
    for (name, digest) in &curves {
        wanted.push((vec!["-algorithm", "EC", "-pkeyopt", name], vec![digest]));
    }
    for digest in ["-sha1", "-sha256", "-sha384"] {
        wanted.push((vec!["-paramfile", parameters], vec![digest]));
    }
    wanted.push((vec!["-algorithm", "ED25519"], vec![]));
    wanted.push((vec!["-algorithm", "ED448"], vec![]));

    let stranger = self_signed(folder, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], &["-sha256"]);
    for (key, more) in &wanted {
        let certificate = self_signed(folder, key, more);
        certificate_signed_by(&certificate, &certificate).unwrap_or_else(|error| panic!("{key:?} {more:?}: {error}"));
        let other = certificate_signed_by(&certificate, &stranger);
        assert!(matches!(other, Err(Unverified::WrongKey(_) | Unverified::BadSignature)), "{key:?}: {other:?}");
        let mut changed = certificate.clone();
        let serial = changed.windows(3).position(|bytes| bytes == [2, 1, 2]).unwrap() + 8;
        changed[serial] ^= 1;
        assert_eq!(certificate_signed_by(&changed, &certificate), Err(Unverified::BadSignature), "{key:?} {more:?}");
        let mut changed = certificate.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(certificate_signed_by(&changed, &certificate), Err(Unverified::BadSignature), "{key:?} {more:?}");
    }
    let explicit = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"];
    let explicit = self_signed(folder, &explicit, &["-sha256"]);
    assert!(matches!(certificate_signed_by(&explicit, &explicit), Err(Unverified::WrongKey(_))));
}

#[test]
fn two_numbers_in_a_row_are_a_signature_too() {
    let folder = tempfile::tempdir().unwrap();
    let certificate =
        self_signed(folder.path(), &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], &["-sha256"]);
    let mut fields = Reader::new(&certificate).enter(TAG_SEQUENCE).unwrap();
    let message = fields.read().unwrap().raw;
    fields.read().unwrap();
    let value = &fields.read().unwrap().value[1..];
    let mut pair = Reader::new(value).enter(TAG_SEQUENCE).unwrap();
    let mut plain = Vec::new();
    for _ in 0..2 {
        let number = pair.read().unwrap().value;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        plain.extend(std::iter::repeat_n(0, 32 - number.len()));
        plain.extend(number);
    }
    let key = Certificate::parse(&certificate).unwrap().public_key.raw;
    let method = Method::EcdsaPlain(HashAlgorithm::Sha256);
    method.verify(key, message, &plain).unwrap();
    assert_eq!(method.verify(key, message, value), Err(Unverified::BadSignature));
    assert_eq!(method.verify(key, message, &plain[1..]), Err(Unverified::BadSignature));
    assert_eq!(method.verify(key, message, &[0; 64]), Err(Unverified::BadSignature));
    // A SignerInfo that names only the kind of key.
    let ec = b"\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    let sha256 = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    Method::of_signer_info(ec, sha256).unwrap().verify(key, message, value).unwrap();
    assert!(matches!(Method::of_identifier(ec), Err(Unverified::UnknownAlgorithm(_))));
}

#[test]
fn spoiled_keys_and_values_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let keys: [&[&str]; 4] = [
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"],
        &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["-algorithm", "ED448"],
    ];
    let samples: Vec<Vec<u8>> = keys.iter().map(|key| self_signed(folder.path(), key, &[])).collect();
    for (spoiled, whole) in testkit::mutate::mutations(&samples, 5).take(4_000).zip(samples.iter().cycle()) {
        let _ = certificate_signed_by(&spoiled, whole);
        let _ = certificate_signed_by(whole, &spoiled);
        let _ = certificate_signed_by(&spoiled, &spoiled);
    }
}
