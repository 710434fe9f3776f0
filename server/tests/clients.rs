//! Clients as customers write them, each in its language: they read the description from the running server, sign, sign a
//! batch, verify and meet a fault. What they got is judged by OpenSSL. The programs are those of `clients/`, which customers
//! copy; a language that is missing fails its test, `make test` installs it.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use edge::{change, home, put_identity, user};
use model::{Function, UserName};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use store::access::AccessChange;
use support::{Home, PASSWORD, SEALMILL, Server};
use testkit::pki::KeyKind;
use testkit::world::{Order, Purpose, World};

/// What every client needs.
const RIGHTS: &[Function] =
    &[Function::Sign, Function::UseSigner, Function::Verify, Function::Look, Function::OpenSessions];

/// Names of documents; one has letters that not every client gets right by chance.
const DOCUMENTS: [&str; 3] = ["Rechnung 4711.txt", "Prüfgläser.xml", "large.bin"];

const P12_PASSWORD: &str = "geheim";

struct Office {
    world: World,
    home: Home,
    server: Server,
}

impl Office {
    fn new() -> Self {
        let world = World::start().unwrap();
        let mut home = home("client_certificates = \"optional\"");
        put_identity(&home, &world.issue(&Order::new(Purpose::TlsServer, KeyKind::P256, "Siegelserver")).unwrap());
        home.world(&world).sealer("seal", &world.signer(KeyKind::P256).unwrap());
        home.profile("invoices", "seal", "format = \"cades\"");
        user(&home, "main", "erp", RIGHTS);
        for (name, content) in DOCUMENTS.iter().zip([b"17 Euro\n".to_vec(), b"<a>\xC3\xBC</a>".to_vec(), large()]) {
            std::fs::write(home.path().join(name), content).unwrap();
        }
        std::fs::create_dir(home.path().join("results")).unwrap();
        let server = home.start_ready();
        Self { world, home, server }
    }

    fn url(&self) -> String {
        format!("{}/", self.server.api("http"))
    }

    fn results(&self) -> PathBuf {
        self.home.path().join("results")
    }

    /// The arguments that all programs have in common.
    fn arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut all = vec![self.url(), "erp".to_owned(), PASSWORD.to_owned(), "invoices".to_owned()];
        all.push(text(&self.results()));
        all.extend(DOCUMENTS.map(|name| text(&self.home.path().join(name))));
        all
    }

    /// Runs a client to its end; gives what it printed.
    fn run(&self, command: &mut Command) -> String {
        let program = command.get_program().to_owned();
        command.env("LC_ALL", "C.UTF-8").env("no_proxy", "127.0.0.1").current_dir(self.home.path());
        let output = command.output().unwrap_or_else(|error| {
            panic!("{}: {error}; `make test` installs it", program.to_string_lossy());
        });
        // Maven ends its colours even if it is told to have none.
        let said = String::from_utf8_lossy(&output.stdout).replace("\u{1b}[0m", "").trim_start().to_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{complaints}\n{}", self.server.log());
        eprint!("{said}");
        said
    }

    /// What a client that did everything has printed and written.
    fn is_done(&self, said: &str) {
        let lines: Vec<&str> = said.lines().collect();
        let [sign, batch, verify, fault] = lines[..] else { panic!("not four lines: {said}") };
        assert_eq!(sign, format!("sign: {}.pkcs7", DOCUMENTS[0]));
        assert_eq!(batch, "batch: 3 signed, 0 failed");
        assert_eq!(verify, "verify: 1 valid");
        let status: i32 = fault.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(fault.starts_with("fault: ") && status < 0 && fault.contains("no-such-profile"), "{fault}");
        DOCUMENTS.iter().for_each(|name| self.is_signed(name));
    }

    /// OpenSSL finds the signature of this document good, and not for another one.
    fn is_signed(&self, name: &str) {
        let signature = self.results().join(format!("{name}.pkcs7"));
        let verify = |content: &Path| {
            let mut openssl = Command::new("openssl");
            openssl.args([
                "cms",
                "-verify",
                "-binary",
                "-inform",
                "DER",
                "-purpose",
                "any",
                "-out",
                "/dev/null",
                "-in",
            ]);
            openssl.arg(&signature).arg("-CAfile").arg(self.world.ca_pem()).arg("-content").arg(content);
            let output = openssl.output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (good, said) = verify(&self.home.path().join(name));
        assert!(good, "{name}: {said}");
        let other = self.home.path().join("other");
        std::fs::write(&other, "something else").unwrap();
        assert!(!verify(&other).0, "{name}: OpenSSL says yes to everything");
    }
}

fn large() -> Vec<u8> {
    (0..300_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// What `scripts/setup test` has fetched for the clients.
fn fetched(path: &str) -> PathBuf {
    let beside = Path::new(SEALMILL).parent().unwrap().parent().unwrap().join("clients");
    let found = std::env::var_os("SEALMILL_CLIENTS").map_or(beside, PathBuf::from).join(path);
    assert!(found.exists(), "{} is missing; `scripts/setup test` fetches it", found.display());
    found
}

fn program(name: impl AsRef<OsStr>, script: &str) -> Command {
    let mut command = Command::new(name);
    command.arg(project(script));
    command
}

/// Maven without the network, building into a folder of this test.
fn maven(office: &Office, folder: &str, build: &Path) -> Command {
    let mut command = Command::new("mvn");
    command.args(["-B", "-o", "-q", "-Dstyle.color=never", "-f"]).arg(project(folder).join("pom.xml"));
    command.arg(format!("-Dmaven.repo.local={}", fetched("maven").display()));
    command.arg(format!("-Dbuild={}", build.display())).arg(format!("-Dwsdl={}?wsdl", office.url()));
    command
}

#[test]
fn curl_and_a_shell() {
    let office = Office::new();
    office.is_done(&office.run(program("sh", "clients/soap/curl/secpki.sh").args(office.arguments())));
}

#[test]
fn python_with_zeep() {
    let office = Office::new();
    let python = std::env::var_os("SEALMILL_PYTHON").expect("SEALMILL_PYTHON; `make test` sets it");
    office.is_done(&office.run(program(python, "clients/soap/python/secpki.py").args(office.arguments())));
}

#[test]
fn php_with_the_description() {
    let office = Office::new();
    office.is_done(&office.run(program("php", "clients/soap/php/secpki.php").args(office.arguments())));
}

/// As applications of the vendor's dialect do it: no description, one parameter named after a Java class.
#[test]
fn php_without_a_description() {
    let office = Office::new();
    let said = office.run(program("php", "clients/soap/php/without-wsdl.php").args(office.arguments()));
    let lines: Vec<&str> = said.lines().collect();
    let [session, state, cancelled, sign, fault] = lines[..] else { panic!("not five lines: {said}") };
    assert_eq!([session, state, cancelled], ["session: 1", "state: 1", "cancelled: 6"]);
    assert_eq!(sign, format!("sign: {}.pkcs7", DOCUMENTS[0]));
    office.is_signed(DOCUMENTS[0]);
    assert!(fault.starts_with("fault: -8 "), "{fault}");
}

#[test]
fn c_with_gsoap() {
    let office = Office::new();
    let out = office.home.path().join("c");
    std::fs::create_dir(&out).unwrap();
    let (wsdl, out_is) = (format!("WSDL={}?wsdl", office.url()), format!("OUT={}", out.display()));
    office.run(Command::new("make").arg("-s").arg("-C").arg(project("clients/soap/c")).args([wsdl, out_is]));
    office.is_done(&office.run(Command::new(out.join("secpki")).args(office.arguments())));
}

#[test]
fn perl_with_soap_lite() {
    let office = Office::new();
    office.is_done(&office.run(program("perl", "clients/soap/perl/secpki.pl").args(office.arguments())));
}

#[test]
fn node_with_soap() {
    let office = Office::new();
    let mut node = program("node", "clients/soap/node/secpki.js");
    office.is_done(&office.run(node.args(office.arguments()).env("NODE_PATH", fetched("node/node_modules"))));
}

#[test]
fn java_with_wsimport() {
    let office = Office::new();
    let mut java = maven(&office, "clients/soap/java", &office.home.path().join("jaxws"));
    let quoted: Vec<String> = office.arguments().iter().map(|argument| format!("'{argument}'")).collect();
    java.args(["compile", "exec:java"]).arg(format!("-Dexec.args={}", quoted.join(" ")));
    office.is_done(&office.run(&mut java));
}

/// The Java library: its own tests, those against a server included.
#[test]
fn java_library() {
    let office = Office::new();
    let generate = office.run(
        Command::new("sh")
            .arg("-c")
            .arg(format!("cd {} && java clients/java/generate/Generate.java --check", project("").display())),
    );
    assert!(generate.contains("wrong: []"), "{generate}");

    let machine = office.world.issue(&Order::new(Purpose::TlsClient, KeyKind::P256, "Buchhaltung 3")).unwrap();
    user(&office.home, "main", "machine", RIGHTS);
    let der = machine.certificate_der();
    let registered = AccessChange::AddCertificate {
        user: UserName::new("machine").unwrap(),
        fingerprint: actors::access::fingerprint(&der),
        der: base64_simd::STANDARD.encode_to_string(&der),
        state: store::access::CertificateState::Active,
    };
    change(&office.home, "main", registered);
    // Java takes no other letters in the password of such a file.
    let p12 = machine.write_pkcs12(office.home.path(), "machine", P12_PASSWORD).unwrap();

    let build = office.home.path().join("java");
    let mut maven = maven(&office, "clients/java", &build);
    maven.args(["test", "-DexcludedGroups="]);
    for (name, value) in [
        ("plain", office.url()),
        ("tls", format!("{}/", office.server.api("https"))),
        ("password", PASSWORD.to_owned()),
        ("trust", office.world.root_pem().display().to_string()),
        ("p12password", P12_PASSWORD.to_owned()),
        ("p12", p12.display().to_string()),
        ("folder", office.results().display().to_string()),
        ("documents", office.home.path().display().to_string()),
    ] {
        maven.arg(format!("-Dsecpki.{name}={value}"));
    }
    office.run(&mut maven);
    let report = std::fs::read_to_string(build.join("surefire-reports/TEST-seccommerce.secpki.api.ServerTest.xml"));
    let report = report.unwrap();
    assert!(report.contains("skipped=\"0\" failures=\"0\"") && !report.contains("tests=\"0\""), "{report}");
    DOCUMENTS.iter().for_each(|name| office.is_signed(name));
    // The example: a folder as a batch that survives restarts.
    let folder = office.home.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for name in DOCUMENTS {
        std::fs::copy(office.home.path().join(name), folder.join(name)).unwrap();
    }
    let mut example = Command::new("java");
    example.arg("-cp").arg(build.join("classes")).arg(project("clients/java/examples/SignFolder.java"));
    example.args([&office.url(), "erp", PASSWORD, "invoices"]).arg(&folder);
    assert_eq!(office.run(&mut example), "3 signed, 0 failed\n");
    assert!(DOCUMENTS.iter().all(|name| folder.join(format!("{name}.pkcs7")).is_file()));
}
