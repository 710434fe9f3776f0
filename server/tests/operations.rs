//! What applications can have done, through the real server: each operation of the REST door, and batches that outlive servers.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use actors::access::Passwords;
use base64_simd::STANDARD;
use edge::{basic, curl, user};
use model::{Clock, Function, GroupName, Right, SystemClock, TenantId, UserName};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::Path;
use store::access::AccessChange;
use store::{Store, StoreConfig};
use support::{Home, PASSWORD, Server, openssl_accepts_detached, pause, wait};
use testkit::pki::{KeyKind, Pki};
use testkit::postgres::Postgres;
use testkit::world::World;

/// Calls an operation and gives status and answer.
fn call(server: &Server, who: &str, operation: &str, request: &Value) -> (u16, Value) {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    std::fs::write(&body, request.to_string()).unwrap();
    let (user, data) = (basic(who), format!("@{}", body.display()));
    let arguments = ["--user", &user, "--header", "Content-Type: application/json", "--data-binary", &data];
    let answer = curl(&format!("{}/v1/{operation}", server.api("http")), &arguments);
    let json = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{operation}: {answer:?}"));
    (answer.status, json)
}

fn done(server: &Server, who: &str, operation: &str, request: &Value) -> Value {
    let (status, answer) = call(server, who, operation, request);
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

fn bytes(answer: &Value, field: &str) -> Vec<u8> {
    STANDARD.decode_to_vec(answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}"))).unwrap()
}

fn is_signature(signature: &[u8], content: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let (value, document) = (folder.path().join("signature"), folder.path().join("document"));
    std::fs::write(&value, signature).unwrap();
    std::fs::write(&document, content).unwrap();
    openssl_accepts_detached(&value, &document).unwrap();
}

const API: &str = "[api]\nplain = [\"127.0.0.1:0\"]";

fn sealer() -> Home {
    let mut home = Home::new();
    home.add(API).software("rsa", KeyKind::Rsa3072, 2).software("ec", KeyKind::P256, 2).pool("all", &["rsa", "ec"]);
    home.profile("cades", "all", "format = \"cades\"").profile("pades", "all", "format = \"pades\"");
    home.add("[[profile]]\nname = \"open\"\nformat = \"decrypted\"");
    home.add("[component]\nprofile = \"cades\"");
    home
}

#[test]
fn an_application_has_documents_and_digests_signed_and_judged() {
    let home = sealer();
    let rights = [Function::Sign, Function::SignHash, Function::UseSigner, Function::Verify, Function::Look];
    user(&home, "main", "erp", &rights);
    user(&home, "main", "nobody", &[]);
    let server = home.start_ready();
    let content = b"an invoice";

    let answer = done(
        &server,
        "erp",
        "sign",
        &json!({
            "profile": "cades", "document": base64(content), "documentName": "invoice.xml", "signers": ["ec"],
        }),
    );
    assert_eq!(
        (&answer["SignatureName"], &answer["Signer"], &answer["Format"], &answer["Level"]),
        (&json!("invoice.xml.pkcs7"), &json!("ec"), &json!("cades"), &json!("B"))
    );
    let signature = bytes(&answer, "Signature");
    is_signature(&signature, content);

    let digest = formats::crypto::digest(model::DigestAlgorithm::Sha512, content);
    let of_digest = json!({ "profile": "cades", "digest": base64(digest.as_bytes()), "digestAlgorithm": "SHA-512" });
    is_signature(&bytes(&done(&server, "erp", "signHash", &of_digest), "Signature"), content);

    let batch = done(
        &server,
        "erp",
        "signBatch",
        &json!({ "profile": "pades", "documents": [
            { "document": base64(&testkit::pdf::invoice(1, &testkit::pdf::Shape::default())), "documentName": "1.pdf", "reference": "r1" },
            { "document": base64(b"no PDF"), "documentName": "2.pdf" },
        ]}),
    );
    assert_eq!((&batch["Signed"], &batch["Failed"]), (&json!(1), &json!(1)), "{batch}");
    assert_eq!((&batch["Results"][0]["Status"], &batch["Results"][0]["Reference"]), (&json!(0), &json!("r1")));
    assert_eq!(batch["Results"][1]["Code"], "pdf-not-pdf");

    for (document, code) in [(&content[..], json!("valid")), (&b"another one"[..], json!("data-mismatch"))] {
        let verdict = done(
            &server,
            "erp",
            "verify",
            &json!({
                "document": base64(document), "documentName": "invoice.xml", "signature": base64(&signature), "reportForm": "html",
            }),
        );
        // Whom to trust is not configured: the certificate is nobody's, the signature is right or it is not.
        let expected = if code == "valid" { json!("certificate-invalid") } else { code };
        assert_eq!(verdict["Outcome"], expected, "{verdict}");
        assert!(String::from_utf8(bytes(&verdict, "Report")).unwrap().contains("<html"));
    }
    let by_digest = json!({ "signature": base64(&signature), "digest": base64(formats::crypto::digest(
        model::DigestAlgorithm::Sha256, content).as_bytes()), "digestAlgorithm": "SHA-256" });
    assert_eq!(done(&server, "erp", "verify", &by_digest)["Outcome"], "certificate-invalid");

    let profiles = done(&server, "erp", "getProfiles", &json!({}));
    let names: Vec<_> = profiles["Profiles"].as_array().unwrap().iter().map(|profile| &profile["Name"]).collect();
    assert_eq!(names, ["cades", "pades"], "not what she may not use");
    let signers = done(&server, "erp", "getSigners", &json!({ "profile": "cades" }));
    assert_eq!((signers["Signers"].as_array().unwrap().len(), &signers["Signers"][0]["State"]), (2, &json!("ready")));

    for (operation, request) in [
        ("sign", json!({ "profile": "cades", "document": base64(content) })),
        ("signHash", of_digest),
        ("verify", json!({ "document": base64(content) })),
        ("getTokenPool", json!({})),
    ] {
        let (status, answer) = call(&server, "nobody", operation, &request);
        assert_eq!((status, &answer["status"]), (403, &json!(403)), "{operation}: {answer}");
    }
    let (status, answer) = call(&server, "erp", "sign", &json!({ "profile": "none", "document": base64(content) }));
    assert_eq!(status, 404, "{answer}");
    let (status, _) = call(&server, "erp", "archiveSearch", &json!({ "archive": "a" }));
    assert_eq!(status, 403);
    assert!(home.audit_is_unbroken() > 4);
}

#[test]
fn a_repeated_call_is_the_same_call_and_a_pool_is_tuned_while_it_works() {
    let home = sealer();
    user(&home, "main", "erp", &[Function::Sign]);
    user(&home, "main", "operator", &[Function::PoolView, Function::PoolTune]);
    let server = home.start_ready();
    let request = json!({ "profile": "cades", "document": base64(b"once"), "idempotencyKey": "7" });
    let first = bytes(&done(&server, "erp", "sign", &request), "Signature");
    assert_eq!(bytes(&done(&server, "erp", "sign", &request), "Signature"), first);
    let other = json!({ "profile": "cades", "document": base64(b"twice"), "idempotencyKey": "7" });
    assert_eq!(call(&server, "erp", "sign", &other).0, 409);

    let tuned =
        done(&server, "operator", "resizeTokenPool", &json!({ "token": "soft:ec", "sessions": 5, "weight": 3 }));
    assert_eq!(tuned["Token"]["Weight"], 3);
    wait("five sessions", 10, || {
        let pool = done(&server, "operator", "getTokenPool", &json!({}));
        pool["Tokens"].as_array().unwrap().iter().any(|token| token["Sessions"] == 5)
    });
    assert_eq!(call(&server, "operator", "resizeTokenPool", &json!({ "token": "soft:none", "sessions": 5 })).0, 404);
    let password = home.path().join("operator.password");
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    let (url, password) = (server.api("http"), password.to_str().unwrap());
    let pool = |arguments: &[&str]| {
        let who = ["--url", &url, "--user", "operator", "--password-file", password];
        home.run(["pool"].iter().chain(arguments).chain(&who).copied())
    };
    let watched = pool(&["watch", "--once"]);
    assert!(watched.code == 0 && watched.out.contains("soft:ec") && watched.out.contains("5/5"), "{watched:?}");
    let resized = pool(&["resize", "--token", "soft:ec", "--sessions", "2"]);
    assert!(resized.code == 0 && resized.out.contains("/2"), "{resized:?}");
    let refused = pool(&["resize", "--token", "soft:none", "--sessions", "2"]);
    assert!(refused.code == 3 && refused.err.contains("404"), "{refused:?}");
    assert_eq!(call(&server, "erp", "getTokenPool", &json!({})).0, 403);
}

#[test]
fn tenants_have_things_of_their_own_and_see_nothing_of_others() {
    let mut home = sealer();
    home.add("[[tenant]]\nname = \"other\"\ndocuments_max = 5");
    user(&home, "main", "erp", &[Function::Sign, Function::Look]);
    user(&home, "other", "erp2", &[Function::Sign, Function::Look, Function::UseSigner, Function::PoolView]);
    let server = home.start_ready();
    let organisation = format!("X-AuthorizeOrg: {}", base64(b"other"));
    let ask = |operation: &str, request: &Value| {
        let (user, data) = (basic("erp2"), request.to_string());
        let json = "Content-Type: application/json";
        let arguments = ["--user", &user, "--header", &organisation, "--header", json, "--data-binary", &data];
        let answer = curl(&format!("{}/v1/{operation}", server.api("http")), &arguments);
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    assert_eq!(ask("getProfiles", &json!({})).1["Profiles"], json!([]));
    assert_eq!(ask("getSigners", &json!({})).1["Signers"], json!([]));
    assert_eq!(ask("getTokenPool", &json!({})).1["Tokens"], json!([]));
    let there = ask("sign", &json!({ "profile": "cades", "document": base64(b"x") }));
    let nowhere = ask("sign", &json!({ "profile": "xades", "document": base64(b"x") }));
    assert_eq!((there.0, nowhere.0), (404, 404), "{there:?}");
    let detail = |answer: &(u16, Value)| answer.1["detail"].as_str().unwrap().replace("cades", "xades");
    assert_eq!(detail(&there).replace("xxades", "xades"), detail(&nowhere).replace("xxades", "xades"));
}

/// A home of one of several servers on a database and a folder for batches.
fn one_of_several(name: &str, url: &str, batches: &Path) -> Home {
    let mut home = Home::new();
    home.replace("name = \"test\"", &format!("name = \"{name}\""));
    home.store("url_env = \"SEALMILL_DATABASE\"").environment("SEALMILL_DATABASE", url);
    home.add(API).add(&format!("[batches]\nfolder = {batches:?}\nlease_ms = 2000\npoll_ms = 100"));
    home.software("ec", KeyKind::P256, 2).pool("all", &["ec"]).profile("cades", "all", "format = \"cades\"");
    home
}

fn user_at(url: &str, name: &str, rights: &[Function]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = StoreConfig::Postgres { url: url.to_owned().into(), pool_size: 2 };
        let store = Store::open(&config, "setup").await.unwrap();
        let (tenant, now) = (TenantId::new("main").unwrap(), SystemClock.now());
        store.create_tenant(&tenant, "A tenant", "cli:test", now).await.unwrap();
        let rights = rights.iter().map(|function| Right { function: *function, object: None }).collect();
        let (user, group) = (UserName::new(name).unwrap(), GroupName::new("group").unwrap());
        let password = Passwords::new(1).unwrap().hash(SecretString::from(PASSWORD.to_owned())).await.unwrap();
        for change in [
            AccessChange::CreateUser { user: user.clone(), title: String::new(), password: Some(password) },
            AccessChange::CreateGroup { group: group.clone(), rights },
            AccessChange::AddMember { user, group },
        ] {
            assert!(store.change_access(&tenant, &change, "cli:test", now).await.unwrap());
        }
    });
}

#[test]
fn a_batch_ends_complete_although_servers_are_killed_and_the_database_is_restarted() {
    const DOCUMENTS: usize = 1_500;
    let mut database = Postgres::start().unwrap();
    let url = database.create_database("several").unwrap();
    let batches = tempfile::tempdir().unwrap();
    let (one, two) = (one_of_several("one", &url, batches.path()), one_of_several("two", &url, batches.path()));
    user_at(&url, "erp", &[Function::Sign]);
    let (first, second) = (one.start_ready(), two.start_ready());
    let content = |number: usize| format!("<Rechnung>{number}</Rechnung>");
    let documents: Vec<Value> = (0..DOCUMENTS)
        .map(
            |number| json!({ "document": base64(content(number).as_bytes()), "documentName": format!("{number}.xml") }),
        )
        .collect();
    let submitted = done(&first, "erp", "submitBatch", &json!({ "profile": "cades", "documents": documents }));
    let id = json!({ "batchId": submitted["BatchId"] });
    let signed = |server: &Server| done(server, "erp", "getBatchState", &id)["Signed"].as_u64().unwrap();
    wait("some documents", 60, || signed(&second) > 150);
    first.kill(); // in the middle, by kill -9
    wait("more documents", 60, || signed(&second) > 400);
    database.stop();
    pause(1_500);
    database.start_again().unwrap();
    let again = one.start_ready();
    wait("the end of the batch", 180, || {
        let (status, state) = call(&again, "erp", "getBatchState", &id);
        status == 200 && state["State"] == "complete"
    });
    let state = done(&second, "erp", "getBatchState", &id);
    assert_eq!((&state["Signed"], &state["Failed"], &state["Waiting"]), (&json!(DOCUMENTS), &json!(0), &json!(0)));
    let (mut next, mut found) = (Some(0), 0);
    while let Some(at) = next {
        let request = json!({ "batchId": submitted["BatchId"], "firstIndex": at, "count": 400 });
        let page = done(&again, "erp", "getBatchResult", &request);
        for result in page["Results"].as_array().unwrap() {
            assert_eq!((&result["Index"], &result["Status"]), (&json!(found), &json!(0)), "{result}");
            if found % 100 == 0 {
                is_signature(&bytes(result, "Signature"), content(found).as_bytes());
            }
            found += 1;
        }
        next = page["NextIndex"].as_u64();
    }
    assert_eq!(found, DOCUMENTS);
    assert!(again.stop().success() && second.stop().success());
}

#[test]
fn what_is_encrypted_for_a_key_of_a_tenant_is_opened_for_that_tenant_and_stamped_lifted_and_recorded_ones_are_made() {
    let recipient = Pki::shared().recipient(KeyKind::Rsa2048).unwrap();
    let world = World::start().unwrap();
    let mut home = Home::new();
    home.add(API).world(&world).authority(&world, "tsa", "/tsa", "");
    home.sealer("box", &recipient).software("ec", KeyKind::P256, 1).pool("ec", &["ec"]);
    std::fs::write(home.path().join("recipient.pem"), recipient.certificate_pem().unwrap()).unwrap();
    let profile = |name: &str, lines: &str| format!("[[profile]]\nname = \"{name}\"\n{lines}");
    let encryption = "format = \"encrypted\"\n[profile.encryption]\nrecipients = [\"recipient.pem\"]";
    home.add(&profile("secret", encryption)).add(&profile("open", "format = \"decrypted\""));
    home.add(&profile("foreign", "format = \"decrypted\"\ntenants = [\"other\"]"));
    home.add(&profile("stamp", "format = \"timestamp\"\n[profile.stamp]\nauthorities = [\"tsa\"]"));
    home.add(&profile("lift", "format = \"extended\"\nlevel = \"B-T\"\n[profile.stamp]\nauthorities = [\"tsa\"]"));
    home.profile("cades", "ec", "format = \"cades\"");
    let all = [Function::Sign, Function::Encrypt, Function::Decrypt, Function::Timestamp, Function::Extend];
    user(&home, "main", "mail", &all);
    user(&home, "other", "stranger", &all);
    let server = home.start_ready();
    let content = b"for your eyes only";
    let request = json!({ "profile": "secret", "document": base64(content), "documentName": "a.txt" });
    let encrypted = done(&server, "mail", "encrypt", &request);
    assert_eq!(encrypted["DocumentName"], "a.txt.p7m");
    let message = bytes(&encrypted, "Document");
    assert!(!message.windows(content.len()).any(|window| window == content));
    let open = json!({ "profile": "open", "document": base64(&message), "documentName": "a.txt.p7m" });
    let opened = done(&server, "mail", "decrypt", &open);
    assert_eq!((bytes(&opened, "Document").as_slice(), &opened["DocumentName"]), (&content[..], &json!("a.txt")));

    // The key is the first tenant's: the other one's profile opens nothing with it.
    let (user, data) = (basic("stranger"), json!({ "profile": "foreign", "document": base64(&message) }).to_string());
    let organisation = format!("X-AuthorizeOrg: {}", base64(b"other"));
    let json_type = "Content-Type: application/json";
    let arguments = ["--user", &user, "--header", &organisation, "--header", json_type, "--data-binary", &data];
    let refused = curl(&format!("{}/v1/decrypt", server.api("http")), &arguments);
    assert!(refused.status == 422 && refused.body.contains("not-for-us"), "{refused:?}");

    let digest = formats::crypto::digest(model::DigestAlgorithm::Sha384, content);
    let of_digest = json!({ "profile": "stamp", "digest": base64(digest.as_bytes()), "digestAlgorithm": "SHA-384" });
    let stamped = done(&server, "mail", "timestamp", &of_digest);
    let response = bytes(&stamped, "Timestamp");
    assert!(response.windows(48).any(|window| window == digest.as_bytes()), "the digest is in the time stamp");
    assert!(stamped["Time"].as_str().unwrap().starts_with("20"), "{stamped}");

    let signed = done(&server, "mail", "sign", &json!({ "profile": "cades", "document": base64(content) }));
    let lift = json!({ "profile": "lift", "document": signed["Signature"], "original": base64(content) });
    let lifted = done(&server, "mail", "extend", &lift);
    assert_eq!(lifted["Level"], "T");
    let lifted = bytes(&lifted, "Document");
    assert!(lifted.len() > bytes(&signed, "Signature").len() + 500);
    is_signature(&lifted, content);
}

/// The dialect of the signing component, as its clients write it.
#[test]
fn the_components_records_are_signed_and_judged_and_a_portal_logs_visitors_in() {
    let home = sealer();
    user(&home, "main", "old", &[Function::Sign, Function::Verify]);
    user(&home, "main", "portal", &[Function::OpenSessions]);
    user(&home, "main", "admin", &[Function::ConfirmSessions]);
    let server = home.start_ready();
    let record = |inside: &str| {
        format!(
            "<s:sign xmlns:s=\"http://seccommerce.de/ws/SecSigner/\"><s:SignatureRecord>{inside}</s:SignatureRecord></s:sign>"
        )
    };
    let ask = |path: &str, who: &str, body: &str| {
        edge::post(&format!("{}{path}", server.api("http")), &edge::envelope("", body), &["--user", &basic(who)])
    };
    let content = base64(b"Guten Tag");
    let inside = format!(
        "<s:Document>{content}</s:Document><s:SignatureFormatType>0</s:SignatureFormatType>\
         <s:DocumentFileName>C:\\briefe\\1.txt</s:DocumentFileName><s:HashAlgorithm>SHA512</s:HashAlgorithm>"
    );
    let signed = ask("/secsigner", "old", &record(&inside));
    assert_eq!(signed.status, 200, "{signed:?}");
    let between = |text: &str, name: &str| {
        let (_, behind) = text.split_once(&format!("{name}>")).unwrap_or_else(|| panic!("no {name} in {text}"));
        behind.split_once('<').unwrap().0.to_owned()
    };
    let signature = between(&signed.body, "Signature");
    is_signature(&STANDARD.decode_to_vec(&signature).unwrap(), b"Guten Tag");
    let old_digest = inside.replace("SHA512", "SHA1");
    assert!(ask("/secsigner", "old", &record(&old_digest)).body.contains("SHA1 is not signed with"));
    let verify = format!(
        "<s:verify xmlns:s=\"http://seccommerce.de/ws/SecSigner/\"><s:SignatureRecord><s:Document>{content}</s:Document>\
         <s:Signature>{signature}</s:Signature></s:SignatureRecord></s:verify>"
    );
    let judged = ask("/secsigner", "old", &verify);
    assert!(judged.status == 200 && judged.body.contains("certificate-invalid"), "{judged:?}");

    let secpki = |operation: &str, inside: &str| {
        format!("<p:{operation} xmlns:p=\"http://seccommerce.de/ws/SecPKI/\">{inside}</p:{operation}>")
    };
    let opened = ask("/", "portal", &secpki("requestAuthSession", "<p:userID>ilse</p:userID>"));
    let id = between(&opened.body, "AuthSessionID");
    assert_eq!(between(&opened.body, "AuthSessionState"), "1", "{opened:?}");
    let named = format!("<p:authSessionID>{id}</p:authSessionID>");
    let state = |who: &str, operation: &str| {
        let answer = ask("/", who, &secpki(operation, &named));
        if answer.status == 200 { between(&answer.body, "AuthSessionState") } else { between(&answer.body, "Status") }
    };
    assert_eq!(state("portal", "confirmAuthSession"), "-25", "who opens it does not confirm it");
    assert_eq!(state("portal", "getAuthSessionState"), "1");
    assert_eq!(state("admin", "confirmAuthSession"), "3");
    assert_eq!(state("portal", "getAuthSessionState"), "3");
    assert_eq!(state("portal", "getAuthSessionState"), "7", "told once");
    assert_eq!(state("portal", "releaseAuthSession"), "0");
    assert_eq!(state("portal", "getAuthSessionState"), "8");
}
