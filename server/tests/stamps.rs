//! Time stamps in the real program: good authorities, and every kind of bad one. A document is never called done
//! without its stamp, never lost, and done as soon as an authority can be had.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use support::{Folder, Home, Server, names, wait};
use testkit::judge_stamps::{signature_stamps, verify_token};
use testkit::pki::KeyKind;
use testkit::tools;
use testkit::world::{Fault, World};

/// CAdES B-T beside the document, stamped by these authorities.
fn stamped(authorities: &[&str]) -> String {
    format!("format = \"cades\"\nlevel = \"B-T\"\n[profile.stamp]\nauthorities = {authorities:?}")
}

fn home(world: &World) -> Home {
    let mut home = Home::new();
    home.world(world).sealer("seal", &world.signer(KeyKind::P256).unwrap());
    home
}

/// The result is a signature over the document with exactly one time stamp, as openssl judges both.
fn is_stamped(world: &World, folder: &Folder, name: &str) {
    let (result, source) = (folder.output().join(format!("{name}.pkcs7")), folder.done().join(name));
    let mut command = Command::new("openssl");
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null", "-CAfile"]);
    command.arg(world.root_pem()).arg("-in").arg(&result).arg("-content").arg(&source);
    tools::ok("openssl", &mut command).unwrap_or_else(|error| panic!("{name}: {error}"));
    let stamps = signature_stamps(&result).unwrap();
    assert_eq!(stamps.len(), 1, "{name}");
    let folder = tempfile::tempdir().unwrap();
    let (token, signature) = (folder.path().join("token"), folder.path().join("signature"));
    std::fs::write(&token, &stamps[0].token).unwrap();
    std::fs::write(&signature, &stamps[0].signature).unwrap();
    verify_token(&token, &signature, &world.root_pem()).unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn deferred(server: &Server, folder: &str) -> f64 {
    let door = format!("door=\"directory:{folder}\"");
    server.metric("sealmill_documents_total", &[&door, "outcome=\"deferred\""]).unwrap_or(0.0)
}

/// The names of every authority that is bad, and its path.
fn bad() -> Vec<(String, String)> {
    let named = Fault::TSA_REFUSED.into_iter().chain([Fault::Slow, Fault::Drip]).map(Fault::name);
    named.chain(["down"]).map(|name| (format!("bad-{name}"), format!("/tsa/{name}"))).collect()
}

#[test]
fn every_bad_authority_is_passed_over_for_the_good_one() {
    let world = World::start().unwrap();
    let mut home = home(&world);
    home.authority(&world, "good", "/tsa", "");
    let mut folders = BTreeMap::new();
    for (name, path) in bad() {
        home.authority(&world, &name, &path, "timeout_ms = 2000").profile(&name, "seal", &stamped(&[&name, "good"]));
        folders.insert(path, home.directory(&name, &name, ""));
    }
    let server = home.start_ready();
    for folder in folders.values() {
        folder.put("rechnung.xml", b"<rechnung/>");
    }
    for (path, folder) in &folders {
        folder.wait_empty(60);
        assert_eq!(names(&folder.error()), Vec::<String>::new(), "{path}");
        is_stamped(&world, folder, "rechnung.xml");
        let asked = world.count(path);
        assert!(asked >= 1 || path == "/tsa/down", "{path} was never asked");
        assert!(asked <= 3, "{path} was asked {asked} times");
    }
    assert!(world.count("/tsa") >= folders.len() as u64);
    assert!(server.stop().success());
    assert_eq!(home.audit_is_unbroken(), folders.len() as u64);
}

#[test]
fn with_bad_authorities_alone_documents_wait_and_none_is_called_done() {
    let world = World::start().unwrap();
    let mut home = home(&world);
    let mut folders = BTreeMap::new();
    // Each has a name of its own at the world, so that all of them can be healed.
    for fault in Fault::TSA_REFUSED.into_iter().chain([Fault::Slow]) {
        let (name, path) = (fault.name(), format!("/tsa/as/{}", fault.name()));
        world.fault(&path, fault, u64::MAX);
        home.authority(&world, name, &path, "timeout_ms = 1000").profile(name, "seal", &stamped(&[name]));
        folders.insert(name, home.directory(name, name, ""));
    }
    home.authority(&world, "down", "/tsa/down", "").profile("down", "seal", &stamped(&["down"]));
    folders.insert("down", home.directory("down", "down", ""));
    let server = home.start_ready();
    for folder in folders.values() {
        folder.put("rechnung.xml", b"<rechnung/>");
    }
    for (name, folder) in &folders {
        wait(&format!("{name} to be deferred"), 60, || deferred(&server, name) >= 1.0);
        let kept = names(&folder.work());
        assert_eq!(kept.len(), 1, "{name}: {kept:?}");
        for place in [folder.output(), folder.done(), folder.error()] {
            assert_eq!(names(&place), Vec::<String>::new(), "{name}: {}", place.display());
        }
    }
    // They recover, each in its time; nobody has to hand the files over again.
    for name in folders.keys() {
        world.heal(&format!("/tsa/as/{name}"));
    }
    world.open_down_port().unwrap();
    for (name, folder) in &folders {
        folder.wait_empty(150);
        assert_eq!(names(&folder.error()), Vec::<String>::new(), "{name}");
        is_stamped(&world, folder, "rechnung.xml");
    }
    assert!(server.stop().success());
}

#[test]
fn a_file_of_a_failing_authority_survives_the_end_of_the_server() {
    let world = World::start().unwrap();
    let mut home = home(&world);
    home.authority(&world, "one", "/tsa/as/one", "timeout_ms = 1000").profile("one", "seal", &stamped(&["one"]));
    let folder = home.directory("one", "one", "");
    world.fault("/tsa/as/one", Fault::WrongNonce, u64::MAX);
    let server = home.start_ready();
    folder.put("rechnung.xml", b"<rechnung/>");
    wait("it to be deferred", 30, || deferred(&server, "one") >= 1.0);
    assert!(server.stop().success());
    world.heal("/tsa/as/one");
    let server = home.start_ready();
    folder.wait_empty(60);
    is_stamped(&world, &folder, "rechnung.xml");
    assert!(server.stop().success());
}

/// How many files are claimed in the folder of a job: `NUMBER~NAME`.
fn claims(job: &Path) -> usize {
    names(job).into_iter().filter(|name| name.contains('~')).count()
}

#[test]
fn kills_while_stamps_are_awaited_lose_nothing_and_leave_nothing_unstamped() {
    const FILES: usize = 400;
    let world = World::start().unwrap();
    let mut home = home(&world);
    home.authority(&world, "good", "/tsa", "").profile("usual", "seal", &stamped(&["good"]));
    let folder = home.directory("mass", "usual", "");
    let sources: Vec<String> = (0..FILES).map(|number| format!("re-{number:03}.xml")).collect();
    for name in &sources {
        folder.put(name, format!("<Invoice><ID>{name}</ID></Invoice>").as_bytes());
    }
    world.fault("/tsa", Fault::Late(20), u64::MAX);
    for kill in 1..=6 {
        let server = home.start();
        let wanted = FILES * kill / 8;
        wait("some more files", 60, || names(&folder.done()).len() >= wanted);
        server.kill();
        let claimed: usize = names(&folder.work()).iter().map(|job| claims(&folder.work().join(job))).sum();
        let everywhere = names(&folder.input()).len() + names(&folder.done()).len() + claimed;
        assert_eq!(everywhere, FILES, "after kill {kill}");
    }
    world.heal("/tsa");
    let server = home.start_ready();
    folder.wait_empty(60);
    assert!(server.stop().success());
    assert_eq!(names(&folder.done()), sources);
    let results: Vec<String> = sources.iter().map(|name| format!("{name}.pkcs7")).collect();
    assert_eq!(names(&folder.output()), results);
    for result in &results {
        assert_eq!(signature_stamps(&folder.output().join(result)).unwrap().len(), 1, "{result}");
    }
    for name in sources.iter().step_by(37) {
        is_stamped(&world, &folder, name);
    }
    home.audit_is_unbroken();
}

#[test]
fn files_are_stamped_by_themselves_through_user_and_certificate() {
    let world = World::start().unwrap();
    let home = home(&world);
    let document = home.path().join("vertrag.txt");
    std::fs::write(&document, "Vertrag\n").unwrap();
    let identity = home.path().join("keys/tls.pem");
    let client = world.client().unwrap();
    std::fs::write(&identity, [client.chain_pem().unwrap(), client.key_pem().unwrap()].concat()).unwrap();
    let secret = home.path().join("keys/basic.password");
    std::fs::write(&secret, testkit::world::PASSWORD).unwrap();
    let (user, root) = (testkit::world::USER, world.root_pem());
    let ways = [
        ("basic", world.url("/basic/tsa"), format!("user = \"{user}\"\npassword_file = {secret:?}")),
        ("mutual", world.mutual_tls_url("/tsa"), format!("tls_identity = {identity:?}")),
    ];
    for (name, url, lines) in ways {
        let config = home.path().join(format!("{name}.toml"));
        let text = format!(
            "[store]\npath = \"{name}.sqlite\"\n[network]\ntls_roots = [{root:?}]\n\
             [[authority]]\nname = \"a\"\nurl = \"{url}\"\nanchors = [{root:?}]\n{lines}\n"
        );
        std::fs::write(&config, text).unwrap();
        let output = home.path().join(name);
        let arguments = ["timestamp".as_ref(), "--config".as_ref(), config.as_os_str(), document.as_os_str()];
        let said = home.run(arguments.into_iter().chain(["-o".as_ref(), output.as_os_str()]));
        assert_eq!(said.code, 0, "{name}: {said:?}");
        assert_eq!(names(&output), ["vertrag.txt.tsr"]);
        let mut command = Command::new("openssl");
        command.args(["ts", "-verify", "-in"]).arg(output.join("vertrag.txt.tsr")).arg("-data").arg(&document);
        tools::ok("openssl", command.arg("-CAfile").arg(&root)).unwrap();
    }
    // Without them: deferred, exit code 2, no file.
    for url in [world.url("/basic/tsa"), world.url("/tsa/down"), world.url("/tsa/wrong-imprint")] {
        let output = home.path().join("nothing");
        let arguments = ["timestamp".as_ref(), "--tsa".as_ref(), url.as_ref(), document.as_os_str()];
        let said = home.run(arguments.into_iter().chain(["-o".as_ref(), output.as_os_str()]));
        assert_eq!((said.code, names(&output)), (2, Vec::new()), "{url}: {said:?}");
    }
}
