//! kill -9 at any moment: afterwards every file is in exactly one place, none is signed twice into `out/`, none is lost,
//! and the store and its audit chain agree.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use support::{Folder, Home, PASSWORD, names, openssl_accepts_detached, pause, wait};
use testkit::judge;
use testkit::pdf::{Numbers, Shape, invoice};
use testkit::tools;

const FILES: u64 = 5_000;
const KILLS: usize = 20;

#[test]
fn twenty_kills_lose_nothing_and_sign_nothing_twice() {
    let seed = std::env::var("SEALMILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    eprintln!("seed {seed} (SEALMILL_SEED)");
    let mut numbers = Numbers::new(seed);
    let mut home = Home::two_signers();
    let folder =
        home.profile("usual", "all", "format = \"pades\"\notherwise = \"cades\"").directory("mass", "usual", "");
    let sources = fill(&folder, &mut numbers);

    let mut done_before_last = 0;
    for kill in 0..KILLS {
        let server = home.start();
        // Some kills during the start and the recovery, most of them while it signs.
        let done = || names(&folder.done()).len();
        if kill % 4 == 0 {
            pause(numbers.below(60));
        } else {
            let wanted = done() + 1 + numbers.below(2 * FILES / KILLS as u64) as usize;
            wait("some more files", 60, || done() >= wanted || folder.is_empty());
            pause(numbers.below(30));
        }
        server.kill();
        one_place_for_each(&folder, &sources);
        done_before_last = names(&folder.done()).len();
    }
    eprintln!("{done_before_last} of {FILES} done after {KILLS} kills");
    let server = home.start_ready();
    folder.wait_empty(120);
    assert!(server.stop().success());

    assert!(names(&folder.input()).is_empty() && names(&folder.work()).is_empty() && names(&folder.error()).is_empty());
    assert_eq!(
        names(&folder.done()),
        sources.keys().cloned().collect::<Vec<_>>(),
        "every source, once, under its name"
    );
    let expected: BTreeSet<String> = sources.keys().map(|name| result_name(name)).collect();
    let found: BTreeSet<String> = names(&folder.output()).into_iter().collect();
    assert_eq!(found.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new(), "results that nobody asked for");
    assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new(), "results that are missing");
    for (name, content) in &sources {
        assert_eq!(&std::fs::read(folder.done().join(name)).unwrap(), content, "{name}");
        let result = std::fs::read(folder.output().join(result_name(name))).unwrap();
        match name.ends_with(".pdf") {
            true => assert!(result.starts_with(content) && result.ends_with(b"%%EOF\n"), "{name}"),
            false => is_whole_der(name, &result),
        }
    }
    foreign_programs_agree(&folder, &sources, &mut numbers);
    rows_agree(&home);
    assert!(home.audit_is_unbroken() >= FILES);
}

/// Small PDFs and XML files, each different from all others.
fn fill(folder: &Folder, numbers: &mut Numbers) -> BTreeMap<String, Vec<u8>> {
    let mut sources = BTreeMap::new();
    for number in 0..FILES {
        let (name, content) = if numbers.below(10) < 4 {
            (format!("re-{number:05}.pdf"), invoice(number, &Shape::default()))
        } else {
            let text = format!("<Invoice><ID>{number}</ID><Note>{:x}</Note></Invoice>\n", numbers.draw());
            (format!("re-{number:05}.xml"), text.into_bytes())
        };
        std::fs::write(folder.input().join(&name), &content).unwrap();
        sources.insert(name, content);
    }
    sources
}

fn result_name(source: &str) -> String {
    match source.strip_suffix(".pdf") {
        Some(stem) => format!("{stem}-signed.pdf"),
        None => format!("{source}.pkcs7"),
    }
}

/// Whatever the moment: each source lies in exactly one of `in/`, `.work/`, `done/`; a result in `out/` has its source in
/// `done/`.
fn one_place_for_each(folder: &Folder, sources: &BTreeMap<String, Vec<u8>>) {
    let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut note = |name: String, place: PathBuf| places.entry(name).or_default().push(place);
    for place in [folder.input(), folder.done(), folder.error()] {
        names(&place).into_iter().filter(|name| !name.starts_with('.')).for_each(|name| note(name, place.clone()));
    }
    for job in names(&folder.work()) {
        let job = folder.work().join(job);
        for name in names(&job) {
            if let Some((_, name)) = name.split_once('~') {
                note(name.to_owned(), job.clone());
            }
        }
    }
    for (name, places) in &places {
        assert!(sources.contains_key(name), "{name} in {places:?} is none of ours");
        assert_eq!(places.len(), 1, "{name} is in {places:?}");
    }
    assert_eq!(places.len(), sources.len(), "files are lost");
    let done: BTreeSet<String> = names(&folder.done()).iter().map(|name| result_name(name)).collect();
    for result in names(&folder.output()).iter().filter(|name| !name.starts_with('.')) {
        assert!(done.contains(result), "{result} is out and its source is not done");
    }
}

/// A SEQUENCE that ends where the file ends.
fn is_whole_der(name: &str, der: &[u8]) {
    let header = match der {
        [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => panic!("{name}: no CMS: {:02x?}", &der[..der.len().min(8)]),
    };
    assert_eq!(header, der.len(), "{name}: the signature is cut off or too long");
}

/// 200 results, chosen by the seed, and openssl and pdfsig.
fn foreign_programs_agree(folder: &Folder, sources: &BTreeMap<String, Vec<u8>>, numbers: &mut Numbers) {
    let all: Vec<&String> = sources.keys().collect();
    for _ in 0..200 {
        let name = all[numbers.below(all.len() as u64) as usize];
        let (source, result) = (folder.done().join(name), folder.output().join(result_name(name)));
        if name.ends_with(".pdf") {
            let verdicts = judge::pdfsig(&result, None).unwrap();
            assert!(verdicts.len() == 1 && verdicts[0].valid && verdicts[0].whole_document, "{name}: {verdicts:?}");
        } else {
            openssl_accepts_detached(&result, &source).unwrap();
        }
    }
}

/// The store has one final row for each document of the directory and no open one.
fn rows_agree(home: &Home) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = store::StoreConfig::Sqlite { path: home.path().join("sealmill.sqlite") };
        let store = store::Store::open(&config, "reader").await.unwrap();
        let tenant = model::TenantId::new("main").unwrap();
        let counts = store.count_door(&tenant, "directory:mass").await.unwrap();
        assert_eq!((counts.done, counts.rejected, counts.unfinished()), (FILES, 0, 0), "{counts:?}");
    });
}

/// A kill during `sealmill sign`: no half-written result under a final name.
#[test]
fn a_killed_command_leaves_no_half_result() {
    let home = Home::new();
    let identity = testkit::pki::Pki::shared().signer(testkit::pki::KeyKind::P256).unwrap();
    let (pkcs12, password) = home.key_file("s", &identity);
    assert_eq!(std::fs::read_to_string(&password).unwrap().trim_end(), PASSWORD);
    let (input, output) = (home.path().join("input"), home.path().join("output"));
    std::fs::create_dir(&input).unwrap();
    let mut files = Vec::new();
    for number in 0..400 {
        let file = input.join(format!("{number}.pdf"));
        std::fs::write(&file, invoice(number, &Shape::of_bytes(60_000))).unwrap();
        files.push(file);
    }
    let mut command: Command = home.command(["sign", "--format", "pades", "--pkcs12"]);
    command.arg(pkcs12).arg("--password-file").arg(password).args(&files).arg("-o").arg(&output);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    wait("some results", 30, || names(&output).iter().filter(|name| name.ends_with("-signed.pdf")).count() > 40);
    child.kill().unwrap();
    child.wait().unwrap();
    let results: Vec<_> = names(&output).into_iter().filter(|name| !name.starts_with('.')).collect();
    assert!(results.len() > 40);
    for name in &results {
        let source = std::fs::read(input.join(name.replace("-signed", ""))).unwrap();
        let result = std::fs::read(output.join(name)).unwrap();
        assert!(result.starts_with(&source) && result.ends_with(b"%%EOF\n"), "{name}");
    }
    let some = output.join(&results[0]);
    tools::run_ok("qpdf", ["--check".as_ref(), some.as_os_str()]).unwrap();
}
