//! What callers are promised: one outcome for each document in the order given, results of every size, busy at once when
//! everything is taken, and nothing of another tenant. Signatures are judged by openssl.
#![allow(clippy::unwrap_used)]

mod fake;

use actors::api::batch::BatchSettings;
use actors::api::catalogue::{Catalogue, Holdings};
use actors::api::shares::Allowance;
use actors::api::{Api, ApiDocument, ApiSettings, Body, Ended, Order, Refused};
use actors::pipeline::Failure;
use actors::spool::Content;
use actors::token::roster::TokenState;
use bytes::Bytes;
use fake::{Character, FakeToken, Trouble, World, profile, run, until};
use model::access::Authentication;
use model::profile::{Format, XmlShape};
use model::{Caller, Digest, DigestAlgorithm, Function, Lane, Outcome, Profile, Right, SignerName, TenantId, UserName};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::DocumentState;
use testkit::pki::Pki;

const DETACHED: Format = Format::Cades { detached: true };

fn caller(tenant: &str) -> Caller {
    let all = Function::ALL.into_iter().map(|function| Right { function, object: None });
    Caller {
        tenant: TenantId::new(tenant).unwrap(),
        user: UserName::new("erp").unwrap(),
        authentication: Authentication::Password,
        rights: all.collect(),
    }
}

struct Door {
    world: World,
    api: Api,
    _spool: tempfile::TempDir,
}

/// Two tokens; tenant `main` has all, tenant `other` a profile of the same name with another form.
async fn door(in_flight_max: usize, share: usize) -> Door {
    let tokens = vec![FakeToken::new(Character::good("first", 1), 1), FakeToken::new(Character::good("second", 1), 2)];
    let world = World::start(tokens, in_flight_max, Duration::from_secs(5)).await;
    until("both tokens", || (0..2).all(|token| world.state(token) == TokenState::LoggedIn)).await;
    let spool = tempfile::tempdir().unwrap();
    let formats = [DETACHED, Format::Cades { detached: false }, Format::Pades, Format::Xades(XmlShape::Detached)];
    let names = ["detached", "enveloping", "pades", "xades"];
    let profiles = names.into_iter().zip(formats).map(|(name, format)| (name.into(), named(name, format)));
    let main = Holdings {
        profiles: profiles.collect(),
        signers: ["first", "second"].map(|name| SignerName(name.into())).into(),
        ..Holdings::default()
    };
    let profiles = [("detached".into(), named("detached", Format::Cms { detached: false }))];
    let other = Holdings { profiles: profiles.into(), ..Holdings::default() };
    let tenant = |name| TenantId::new(name).unwrap();
    let settings = ApiSettings {
        spool: spool.path().to_owned(),
        batches_folder: spool.path().join("batches"),
        in_memory_bytes_max: 64 * 1024,
        documents_per_call_max: 100,
        catalogue: Catalogue::new(BTreeMap::from([(tenant("main"), main), (tenant("other"), other)])),
        batches: BatchSettings::default(),
        standard: Allowance { documents_max: share, weight: 1, lane: None },
        allowances: BTreeMap::new(),
    };
    let api = Api::new(world.services.clone(), settings).unwrap();
    Door { world, api, _spool: spool }
}

fn named(name: &str, format: Format) -> Arc<Profile> {
    Arc::new(Profile { name: name.into(), ..Profile::clone(&profile(format)) })
}

fn order(profile: &str, documents: Vec<ApiDocument>) -> Order {
    Order {
        function: Function::Sign,
        profile: profile.to_owned(),
        adapted: None,
        signers: Vec::new(),
        settings: Vec::new(),
        key: None,
        lane: Lane::Interactive,
        documents,
    }
}

fn text(name: &str, text: &str) -> ApiDocument {
    ApiDocument { name: name.to_owned(), reference: None, body: Body::Whole(Content::from(text.as_bytes().to_vec())) }
}

fn bytes_of(ended: &Ended) -> Bytes {
    ended.result.as_ref().unwrap().content.to_bytes(1 << 30).unwrap()
}

fn code(ended: &Ended) -> &'static str {
    ended.result.as_ref().unwrap_err().reason().code
}

/// Whether openssl takes the detached signature for one of the document.
fn openssl_accepts(signature: &[u8], document: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (content, value) = (folder.path().join("content"), folder.path().join("signature"));
    std::fs::write(&content, document).unwrap();
    std::fs::write(&value, signature).unwrap();
    let mut command = Command::new("openssl");
    command.args("cms -verify -binary -inform DER -purpose any -out /dev/null -CAfile".split(' '));
    command.arg(Pki::shared().root_pem()).arg("-in").arg(&value).arg("-content").arg(&content);
    testkit::tools::ok("openssl", &mut command).is_ok()
}

#[test]
fn each_document_has_its_outcome_in_the_order_given_and_in_the_store() {
    run(async {
        let door = door(8, 8).await;
        let mut documents: Vec<_> = (0..40).map(|n| text(&format!("{n}.xml"), &format!("<a>{n}</a>"))).collect();
        documents[7] = text("empty", "");
        documents[8] = text("../../etc/passwd", "x");
        let ended = door.api.make(&caller("main"), order("detached", documents)).await.unwrap();
        assert_eq!(ended.len(), 40);
        for (number, end) in ended.iter().enumerate() {
            match number {
                7 => assert_eq!(code(end), "empty"),
                8 => assert_eq!(code(end), "bad-name"),
                _ => {
                    assert_eq!(end.name, format!("{number}.xml"));
                    assert!(openssl_accepts(&bytes_of(end), format!("<a>{number}</a>").as_bytes()), "{number}");
                    assert_eq!(end.result.as_ref().unwrap().name, format!("{number}.xml.pkcs7"));
                }
            }
            let row = door.world.store.document(&door.world.tenant, end.id.unwrap()).await.unwrap().unwrap();
            let expected = if matches!(number, 7 | 8) { DocumentState::Rejected } else { DocumentState::Done };
            assert_eq!(row.state, expected, "it is durable before the caller has it");
        }
        assert!(door.world.services.intake.is_empty() && door.world.is_at_rest());
        assert!(!openssl_accepts(&bytes_of(&ended[0]), b"<a>1</a>"));
    });
}

#[test]
fn a_large_document_goes_through_files_and_leaves_none_behind() {
    run(async {
        let door = door(8, 8).await;
        let mut arriving = door.api.spool().begin().unwrap();
        let piece: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        (0..8).for_each(|_| arriving.write_all(&piece).unwrap());
        let body = Body::Whole(arriving.finish().unwrap());
        let document = ApiDocument { name: "large.bin".into(), reference: None, body };
        let ended = door.api.make(&caller("main"), order("enveloping", vec![document])).await.unwrap();
        let made = ended[0].result.as_ref().unwrap();
        assert!(matches!(made.content, Content::File(_)) && made.contains_original);
        let signed = bytes_of(&ended[0]);
        assert!(signed.len() > 8 << 20);
        let folder = tempfile::tempdir().unwrap();
        let (message, out) = (folder.path().join("m"), folder.path().join("out"));
        std::fs::write(&message, &signed).unwrap();
        let mut command = Command::new("openssl");
        command.args("cms -verify -binary -inform DER -purpose any -CAfile".split(' ')).arg(Pki::shared().root_pem());
        testkit::tools::ok("openssl", command.arg("-in").arg(&message).arg("-out").arg(&out)).unwrap();
        assert!(std::fs::read(&out).unwrap() == piece.repeat(8), "the content is what was sent");
        drop(ended);
        let calls = door.api.spool().new_path().parent().unwrap().to_owned();
        assert_eq!(std::fs::read_dir(calls).unwrap().count(), 0);
    });
}

#[test]
fn a_full_server_says_busy_at_once_and_a_call_inside_goes_on() {
    run(async {
        let door = Arc::new(door(2, 2).await);
        for _ in 0..2 {
            door.world.tokens[0].plan(Trouble::Slow(400));
            door.world.tokens[1].plan(Trouble::Slow(400));
        }
        let documents = (0..4).map(|n| text(&format!("{n}"), "x")).collect();
        let inside = {
            let door = door.clone();
            tokio::spawn(async move { door.api.make(&caller("main"), order("detached", documents)).await })
        };
        until("the server to be full", || door.world.services.intake.free() == 0).await;
        let asked = Instant::now();
        let refused = door.api.make(&caller("main"), order("detached", vec![text("late", "x")])).await;
        assert_eq!(refused.unwrap_err(), Refused::Busy);
        assert!(asked.elapsed() < Duration::from_millis(50), "{:?}", asked.elapsed());
        let ended = inside.await.unwrap().unwrap();
        assert!(ended.iter().all(|end| end.outcome() == Outcome::Done), "{ended:?}");
        assert!(door.world.services.intake.is_empty());
    });
}

#[test]
fn a_tenant_with_its_share_used_up_does_not_keep_another_out() {
    run(async {
        let door = Arc::new(door(8, 1).await);
        door.world.tokens[0].plan(Trouble::Slow(300));
        door.world.tokens[1].plan(Trouble::Slow(300));
        let inside = {
            let door = door.clone();
            tokio::spawn(async move { door.api.make(&caller("main"), order("detached", vec![text("a", "x")])).await })
        };
        let main = TenantId::new("main").unwrap();
        until("the share to be used", || door.api.shares().left(&main) == 0).await;
        let refused = door.api.make(&caller("main"), order("detached", vec![text("b", "x")])).await;
        assert_eq!(refused.unwrap_err(), Refused::Busy);
        let other = door.api.make(&caller("other"), order("detached", vec![text("c", "x")])).await.unwrap();
        assert_eq!(other[0].outcome(), Outcome::Done);
        inside.await.unwrap().unwrap();
    });
}

#[test]
fn another_tenants_things_do_not_exist_and_its_profile_of_the_same_name_is_its_own() {
    run(async {
        let door = door(8, 8).await;
        for _ in 0..2 {
            let mine = door.api.make(&caller("main"), order("detached", vec![text("a", "x")])).await.unwrap();
            let theirs = door.api.make(&caller("other"), order("detached", vec![text("a", "x")])).await.unwrap();
            assert!(!mine[0].result.as_ref().unwrap().contains_original);
            assert!(theirs[0].result.as_ref().unwrap().contains_original, "by its own profile");
        }
        let there = door.api.make(&caller("other"), order("pades", vec![text("a", "x")])).await.unwrap_err();
        let nowhere = door.api.make(&caller("other"), order("xyz", vec![text("a", "x")])).await.unwrap_err();
        assert_eq!(there.to_string().replace("pades", "xyz"), nowhere.to_string());
        let signer = vec![SignerName("first".into())];
        let order = Order { signers: signer, ..order("detached", vec![text("a", "x")]) };
        let refused = door.api.make(&caller("other"), order).await.unwrap_err();
        assert_eq!(refused, Refused::NoSigner("first".into()));
    });
}

#[test]
fn a_named_signer_signs_and_no_other() {
    run(async {
        let door = door(16, 16).await;
        for name in ["first", "second"] {
            let documents = (0..6).map(|n| text(&format!("{n}"), "x")).collect();
            let order = Order { signers: vec![SignerName(name.into())], ..order("detached", documents) };
            let ended = door.api.make(&caller("main"), order).await.unwrap();
            for end in &ended {
                assert_eq!(end.result.as_ref().unwrap().signer.as_ref().unwrap().0.as_ref(), name);
            }
        }
        assert!(door.world.is_at_rest());
    });
}

#[test]
fn a_right_to_one_function_is_no_way_to_another() {
    run(async {
        let door = door(8, 8).await;
        let whole = || vec![text("a", "x")];
        let digest = Digest::new(DigestAlgorithm::Sha256, &[7; 32]).unwrap();
        let hash = || vec![ApiDocument { name: "a".into(), reference: None, body: Body::Digest(digest) }];
        let check = async |function, documents, expected: Refused| {
            let order = Order { function, ..order("detached", documents) };
            assert_eq!(door.api.make(&caller("main"), order).await.unwrap_err(), expected, "{function}");
        };
        for function in [Function::Encrypt, Function::Decrypt, Function::Extend, Function::Timestamp, Function::Users] {
            let expected = Refused::WrongProfile { profile: "detached".into(), function, format: "cades" };
            check(function, whole(), expected).await;
        }
        check(Function::Sign, hash(), Refused::WrongBody(Function::Sign)).await;
        check(Function::SignHash, whole(), Refused::WrongBody(Function::SignHash)).await;
        check(Function::Sign, Vec::new(), Refused::NoDocument).await;
        let mut nobody = caller("main");
        nobody.rights = Arc::new([]);
        let refused = door.api.make(&nobody, order("detached", whole())).await.unwrap_err();
        assert!(matches!(refused, Refused::Denied(_)));
    });
}

#[test]
fn a_signature_over_a_digest_is_one_over_the_document() {
    run(async {
        let door = door(8, 8).await;
        let content = b"never seen by the server";
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            let digest = formats::crypto::digest(algorithm, content);
            let documents =
                vec![ApiDocument { name: "report.doc".into(), reference: None, body: Body::Digest(digest) }];
            let order = Order { function: Function::SignHash, ..order("detached", documents) };
            let ended = door.api.make(&caller("main"), order).await.unwrap();
            assert!(openssl_accepts(&bytes_of(&ended[0]), content), "{algorithm}");
            assert!(!openssl_accepts(&bytes_of(&ended[0]), b"something else"), "{algorithm}");
        }
        let digest = formats::crypto::digest(DigestAlgorithm::Sha256, content);
        for profile in ["enveloping", "pades", "xades"] {
            let documents =
                vec![ApiDocument { name: "report.doc".into(), reference: None, body: Body::Digest(digest) }];
            let order = Order { function: Function::SignHash, ..order(profile, documents) };
            let ended = door.api.make(&caller("main"), order).await.unwrap();
            assert_eq!(code(&ended[0]), "digest-needs-detached", "{profile}");
            assert!(matches!(ended[0].result, Err(Failure::Rejected(_))));
        }
    });
}

#[test]
fn a_call_is_in_the_store_with_its_end_and_not_before() {
    run(async {
        let door = door(4, 4).await;
        door.world.tokens.iter().for_each(|token| token.plan(Trouble::Slow(300)));
        let (api, store) = (door.api.clone(), door.world.store.clone());
        let call = tokio::spawn(async move {
            api.make(&caller("main"), order("detached", vec![text("a", "x"), text("b", "y")])).await.unwrap()
        });
        until("the call to begin", || !door.world.services.intake.is_empty()).await;
        // A crash now would leave nothing that stays open for ever.
        assert!(store.list_jobs(&door.world.tenant, "user:erp", None, 10).await.unwrap().is_empty());
        let ended = call.await.unwrap();
        let jobs = store.list_jobs(&door.world.tenant, "user:erp", None, 10).await.unwrap();
        assert_eq!((jobs.len(), jobs[0].counts.done, jobs[0].counts.total()), (1, 2, 2));
        assert_eq!(Some(jobs[0].id), ended[0].id.map(|id| id.job));
    });
}

#[test]
fn while_the_store_takes_no_outcomes_nothing_is_begun_and_what_was_begun_ends_well() {
    run(async {
        let door = door(4, 4).await;
        door.world.tamper("ALTER TABLE document RENAME TO elsewhere");
        let api = door.api.clone();
        let make = move |name: &str| {
            let (api, order) = (api.clone(), order("detached", vec![text(name, "x")]));
            async move { api.make(&caller("main"), order).await }
        };
        let first = tokio::spawn(make("first"));
        until("the store to refuse", || door.world.services.recorder.is_stalled()).await;
        let refused = make("second").await.unwrap_err();
        assert!(matches!(&refused, Refused::Store(_)) && refused.is_temporary(), "{refused}");
        assert!(!first.is_finished(), "nothing is given out that is not durable");
        door.world.tamper("ALTER TABLE elsewhere RENAME TO document");
        assert!(first.await.unwrap().unwrap()[0].result.is_ok());
        assert!(make("third").await.unwrap()[0].result.is_ok());
        let jobs = door.world.store.list_jobs(&door.world.tenant, "user:erp", None, 10).await.unwrap();
        assert_eq!(jobs.iter().map(|job| job.counts.done).collect::<Vec<_>>(), [1, 1]);
    });
}

#[test]
fn a_caller_who_goes_away_leaves_no_document_without_an_outcome() {
    run(async {
        let door = door(4, 4).await;
        door.world.tokens[0].plan(Trouble::Slow(100));
        let documents = (0..6).map(|n| text(&format!("{n}"), "x")).collect();
        let (who, what) = (caller("main"), order("detached", documents));
        let gone = tokio::time::timeout(Duration::from_millis(30), door.api.make(&who, what)).await;
        assert!(gone.is_err());
        until("the call to end", || door.world.services.intake.is_empty()).await;
        let jobs = door.world.store.list_jobs(&door.world.tenant, "user:erp", None, 10).await.unwrap();
        assert_eq!((jobs[0].counts.done, jobs[0].counts.unfinished()), (6, 0));
    });
}
