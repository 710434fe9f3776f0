//! Habits that a machine can check: which way the dependencies point, which crate may use which library, what every
//! source file has and what none may have. Each check is a function over plain data, so that it is shown to fail.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate of ours may use of ours (as a normal dependency; tests may also use `testkit`).
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("formats", &["model"]),
    ("token", &["model"]),
    ("store", &["model"]),
    ("archive", &["model", "formats"]),
    ("trust", &["model", "formats", "archive"]),
    ("actors", &["model", "formats", "token", "store", "archive", "trust"]),
    ("soap", &["model", "formats", "store", "trust", "actors"]),
    ("server", &["model", "formats", "token", "store", "archive", "trust", "actors", "soap"]),
    ("testkit", &[]),
    ("benches", &["model", "formats", "archive", "trust", "token", "store", "actors", "testkit"]),
    ("loadtest", &["model", "formats", "trust", "token", "store", "actors", "testkit"]),
];

/// One dependency, one crate: who may use these libraries, tests included.
const OWNERS: &[(&str, &[&str])] = &[
    ("actix", &["actors", "server"]),
    ("actix-http", &["server"]),
    ("actix-service", &["server"]),
    ("actix-web", &["server"]),
    ("argon2", &["actors"]),
    ("aws-lc-rs", &["formats", "token", "store"]),
    ("cfb", &["formats"]),
    ("cryptoki", &["token"]),
    ("cryptoki-sys", &["token"]),
    ("deadpool-postgres", &["store"]),
    ("flate2", &["formats"]),
    ("lopdf", &["formats"]),
    ("moka", &["actors"]),
    ("notify", &["actors"]),
    ("openssl", &["formats", "token", "server", "testkit"]),
    ("png", &["formats"]),
    ("quick-xml", &["formats", "soap"]),
    ("refinery", &["store"]),
    ("reqwest", &["actors"]),
    ("rusqlite", &["store"]),
    ("subsetter", &["formats"]),
    ("tokio-postgres", &["store"]),
    ("toml", &["server", "trust"]),
    ("ttf-parser", &["formats"]),
    ("yaserde", &["soap"]),
    ("zip", &["formats"]),
];

const LINES_MAX: usize = 800;

const DOCUMENTS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE", "engine/README.md"];

#[test]
fn dependencies_point_one_way() {
    let packages = packages(&metadata(&["--no-deps"]));
    assert_eq!(packages.len(), ARROWS.len(), "a crate of the table is gone");
    none(packages.iter().flat_map(wrong_arrows).collect());
}

#[test]
fn one_library_has_one_owner() {
    none(packages(&metadata(&["--no-deps"])).iter().flat_map(wrong_owners).collect());
}

#[test]
fn every_licence_is_one_that_we_allow() {
    let rules: toml::Table = std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let allowed: BTreeSet<&str> =
        rules["licenses"]["allow"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let host = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let host = String::from_utf8(host).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // The program for old TLS has a workspace of its own.
    for manifest in ["Cargo.toml", "legacy-tls/Cargo.toml"] {
        let all = metadata(&["--filter-platform", host, "--manifest-path", manifest]);
        let refused = all["packages"].as_array().unwrap().iter().filter_map(|package| {
            let licence = package["license"].as_str().unwrap_or("none");
            (!permitted(licence, &allowed)).then(|| format!("{}: licence {licence}", package["name"]))
        });
        none(refused.collect());
    }
}

#[test]
fn source_files_keep_the_habits() {
    let sources = sources(&root());
    assert!(sources.len() > 30, "the search for source files finds {} only", sources.len());
    none(
        sources
            .iter()
            .flat_map(|path| {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                untidy(&name, &std::fs::read_to_string(path).unwrap())
            })
            .collect(),
    );
}

#[test]
fn the_documents_are_there() {
    none(missing(&root()));
}

/// A crate of the workspace and what it asks for.
struct Package {
    name: String,
    /// Name, and whether only tests use it.
    dependencies: Vec<(String, bool)>,
}

fn packages(metadata: &Value) -> Vec<Package> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let read = |package: &Value| Package {
        name: text(&package["name"]),
        dependencies: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dependency| (text(&dependency["name"]), dependency["kind"] == "dev"))
            .collect(),
    };
    metadata["packages"].as_array().unwrap().iter().map(read).collect()
}

fn wrong_arrows(package: &Package) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!("{}: a new crate needs a line in ARROWS", package.name)];
    };
    let is_ours = |name: &str| ARROWS.iter().any(|(ours, _)| *ours == name);
    let wrong = package.dependencies.iter().filter(|(name, for_tests)| {
        is_ours(name) && !allowed.contains(&name.as_str()) && !(*for_tests && name == "testkit")
    });
    wrong.map(|(name, _)| format!("{} must not use {name}", package.name)).collect()
}

fn wrong_owners(package: &Package) -> Vec<String> {
    let owners = |name: &str| OWNERS.iter().find(|(library, _)| *library == name).map(|(_, owners)| *owners);
    let wrong = package
        .dependencies
        .iter()
        .filter(|(name, _)| owners(name).is_some_and(|owners| !owners.contains(&package.name.as_str())));
    wrong.map(|(name, _)| format!("{name} belongs to {:?}, not to {}", owners(name).unwrap(), package.name)).collect()
}

/// Whether an SPDX expression can be met with the allowed licences. An old `/` means OR.
fn permitted(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut good = both(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        good |= both(words, allowed);
    }
    good
}

fn both(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut good = single(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        good &= single(words, allowed);
    }
    good
}

fn single(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let good = either(words, allowed);
            let [")", rest @ ..] = *words else { return false };
            *words = rest;
            good
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(format!("{name} WITH {exception}").as_str())
        }
        [name, rest @ ..] => {
            *words = rest;
            allowed.contains(name)
        }
        [] => false,
    }
}

/// What is wrong with a source file; `name` is its path in the workspace.
fn untidy(name: &str, text: &str) -> Vec<String> {
    // In two parts each, so that this file does not complain about itself.
    let leftovers = [["TO", "DO"], ["FIX", "ME"], ["to", "do!("], ["unimple", "mented!("]].map(|parts| parts.concat());
    let boundless = [["unbounded", "_channel"], ["unbounded", "("], ["unbounded", "::<"], [".do_", "send("]];
    let boundless = boundless.map(|parts| parts.concat());
    let skipped = ["#[ig", "nore"].concat();

    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{name}: does not open with //!"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{name}: {lines} lines, more than {LINES_MAX}"));
    }
    for (index, line) in text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with("//");
        let mut complain = |what: &str| found.push(format!("{name}:{}: {what}", index + 1));
        for word in leftovers.iter().filter(|word| line.contains(word.as_str())) {
            complain(&format!("{word} is left over"));
        }
        if !is_comment && boundless.iter().any(|word| line.contains(word.as_str())) {
            complain("a queue without a capacity");
        }
        if !is_comment && line.contains(&skipped) {
            complain("a test that never runs");
        }
    }
    found
}

fn missing(root: &Path) -> Vec<String> {
    let absent = DOCUMENTS.iter().filter(|name| !root.join(name).is_file());
    absent.map(|name| format!("{name} is missing")).collect()
}

/// Every Rust file of the workspace, without what cargo or a run made.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "run-home", "corpus", "artifacts"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found
}

fn metadata(arguments: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--offline"]).args(arguments).current_dir(root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

mod the_checks_can_fail {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, dev)| ((*name).to_owned(), *dev)).collect();
        Package { name: name.to_owned(), dependencies }
    }

    #[test]
    fn on_arrows() {
        assert!(wrong_arrows(&package("actors", &[("token", false), ("testkit", true), ("serde", false)])).is_empty());
        assert_eq!(wrong_arrows(&package("formats", &[("token", false)])), ["formats must not use token"]);
        assert_eq!(wrong_arrows(&package("model", &[("store", true)])), ["model must not use store"]);
        assert_eq!(wrong_arrows(&package("store", &[("testkit", false)])), ["store must not use testkit"]);
        assert_eq!(wrong_arrows(&package("testkit", &[("model", false)])).len(), 1);
        assert!(wrong_arrows(&package("helpers", &[]))[0].contains("ARROWS"));
    }

    #[test]
    fn on_owners() {
        assert!(wrong_owners(&package("formats", &[("lopdf", false)])).is_empty());
        assert_eq!(wrong_owners(&package("server", &[("lopdf", false)])).len(), 1);
        assert_eq!(wrong_owners(&package("actors", &[("cryptoki", true), ("rusqlite", false)])).len(), 2);
    }

    #[test]
    fn on_licences() {
        let allowed = BTreeSet::from(["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"]);
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-2.0/MIT",
            "ISC AND (GPL-3.0 OR Apache-2.0)",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(permitted(good, &allowed), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT)",
            "",
            "none",
            "MIT WITH something",
            "ISC AND (GPL-3.0 OR LGPL-3.0)",
        ] {
            assert!(!permitted(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn on_source_files() {
        let complaints = |text: &str| untidy("x.rs", text).len();
        assert_eq!(complaints("//! Owns a thing.\nfn main() {}\n"), 0);
        assert_eq!(complaints("fn main() {}\n"), 1);
        assert_eq!(complaints(&format!("//! x\n// {}{}: later\n", "TO", "DO")), 1);
        assert_eq!(complaints(&format!("//! x\n#[ig{}]\nfn t() {{}}\n", "nore")), 1);
        assert_eq!(complaints(&format!("//! x\nlet (a, b) = unbounded{}();\n", "_channel")), 1);
        assert_eq!(complaints(&format!("//! x\naddress.do_{}(Tick);\n", "send")), 1);
        assert_eq!(complaints("//! x\n// the mailbox is unbounded (so we do not use it)\n"), 0);
        assert_eq!(complaints(&format!("//! x\n{}", "\n".repeat(LINES_MAX))), 1);
    }

    #[test]
    fn on_documents() {
        assert_eq!(missing(Path::new("/no/such/folder")).len(), DOCUMENTS.len());
    }
}
