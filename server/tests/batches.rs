//! Stamped batches in the real program: one time stamp over many results, and each result has its evidence record
//! beside it, as programs that we did not write check it.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::{Home, Server, names, wait};
use testkit::judge_stamps::{evidence_records, verify_token_over_hash};
use testkit::pki::KeyKind;
use testkit::world::{Fault, World};

fn home(world: &World) -> Home {
    let mut home = Home::new();
    home.world(world).sealer("seal", &world.signer(KeyKind::P256).unwrap());
    home
}

fn deferred(server: &Server, folder: &str) -> f64 {
    let door = format!("door=\"directory:{folder}\"");
    server.metric("sealmill_documents_total", &[&door, "outcome=\"deferred\""]).unwrap_or(0.0)
}

#[test]
fn a_batch_has_one_time_stamp_and_each_result_its_evidence_record() {
    const FILES: usize = 200;
    let world = World::start().unwrap();
    let mut home = home(&world);
    home.authority(&world, "good", "/tsa", "");
    let lines = "format = \"cades\"\n[profile.stamp]\nauthorities = [\"good\"]\nbatch = true";
    let folder = home.profile("batch", "seal", lines).directory("mass", "batch", "");
    for number in 0..FILES {
        folder.put(format!("re-{number:03}.xml"), format!("<Invoice><ID>{number}</ID></Invoice>").as_bytes());
    }
    let server = home.start_ready();
    folder.wait_empty(60);
    assert!(server.stop().success());
    let asked = world.count("/tsa");
    eprintln!("{asked} time stamps for {FILES} documents");
    assert!((1..=10).contains(&asked), "{asked} time stamps for {FILES} documents");
    let out = names(&folder.output());
    assert_eq!(out.len(), 2 * FILES, "{:?}", &out[..out.len().min(6)]);
    let results = out.iter().filter(|name| name.ends_with(".pkcs7"));
    let pairs: Vec<(PathBuf, PathBuf)> =
        results.map(|name| (folder.output().join(format!("{name}.ers")), folder.output().join(name))).collect();
    let tokens = tempfile::tempdir().unwrap();
    let records = evidence_records(&pairs, tokens.path()).unwrap();
    assert_eq!(records.len(), FILES);
    let mut roots: BTreeMap<String, &Path> = BTreeMap::new();
    for (record, (file, _)) in records.iter().zip(&pairs) {
        assert!(record.holds, "{}", file.display());
        roots.insert(record.imprint.clone(), &record.token);
    }
    assert_eq!(roots.len() as u64, asked, "each time stamp is of one tree");
    for (root, token) in roots {
        verify_token_over_hash(token, &root, &world.root_pem()).unwrap();
    }
    // What is not the object has no record.
    let (record, _) = &pairs[0];
    let wrong = evidence_records(&[(record.clone(), pairs[1].1.clone())], tokens.path());
    assert!(wrong.unwrap_err().to_string().contains("not in the first list"));
}

#[test]
fn batches_wait_for_their_time_stamp_as_documents_do() {
    let world = World::start().unwrap();
    let mut home = home(&world);
    home.authority(&world, "one", "/tsa/as/one", "timeout_ms = 1000");
    let lines = "format = \"cades\"\n[profile.stamp]\nauthorities = [\"one\"]\nbatch = true";
    let folder = home.profile("batch", "seal", lines).directory("mass", "batch", "");
    world.fault("/tsa/as/one", Fault::Http500, u64::MAX);
    let server = home.start_ready();
    for number in 0..20 {
        folder.put(format!("re-{number:02}.xml"), format!("<Invoice>{number}</Invoice>").as_bytes());
    }
    wait("all to be deferred", 60, || deferred(&server, "mass") >= 20.0);
    assert_eq!(names(&folder.output()), Vec::<String>::new());
    assert_eq!(names(&folder.done()), Vec::<String>::new());
    world.heal("/tsa/as/one");
    folder.wait_empty(150);
    assert_eq!(names(&folder.output()).len(), 40);
    assert!(server.stop().success());
}
