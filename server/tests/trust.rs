//! `sealmill trust`: batches are made, imported, allowed and believed; old and foreign ones are not.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use support::{Home, names};
use testkit::pki::{KeyKind, Pki};
use testkit::tools::Said;
use testkit::world::{Issuer, World};

struct Desk {
    home: Home,
    world: World,
}

impl Desk {
    fn new() -> Self {
        let world = World::offline().unwrap();
        let mut home = Home::new();
        home.sealer("seal", &world.signer(KeyKind::P256).unwrap());
        home.config();
        Self { home, world }
    }

    fn sealmill(&self, arguments: &[&str]) -> Said {
        self.home.run(arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn trust(&self, arguments: &[&str]) -> Said {
        let config = self.home.path().join("sealmill.toml");
        let mut all = vec!["trust"];
        all.extend(&arguments[..1]);
        all.extend(["--config", config.to_str().unwrap()]);
        all.extend(&arguments[1..]);
        self.sealmill(&all)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A batch with the world's root, signed by this publisher.
    fn batch(&self, sequence: u64, pkcs12: &Path, password: &Path) -> PathBuf {
        self.file("root.der", &self.world.root_der());
        let input = self.file(
            &format!("batch-{sequence}.toml"),
            format!(
                "id = \"test\"\nsequence = {sequence}\nvalid_until = \"2099-01-01\"\n\
                 [[centre]]\nid = \"welt\"\nname_de = \"Welt\"\nname_en = \"World\"\ncountry = \"DE\"\nlegal_basis = \"none\"\n\
                 [[centre.certificate]]\nfile = \"root.der\"\nrole = \"root\"\nuse_for = [\"seal\", \"tsa\"]\n"
            )
            .as_bytes(),
        );
        let output = self.home.path().join(format!("batch-{sequence}"));
        let [input, pkcs12, password, out] = [&input, pkcs12, password, &output].map(|path| path.to_str().unwrap());
        let said = self.sealmill(&[
            "trust",
            "batch",
            "create",
            "--input",
            input,
            "--pkcs12",
            pkcs12,
            "--password-file",
            password,
            "-o",
            out,
        ]);
        assert_eq!(said.code, 0, "{said:?}");
        let [name] = &names(&output)[..] else { panic!("{:?}", names(&output)) };
        output.join(name)
    }
}

#[test]
fn a_batch_is_made_imported_allowed_and_believed_and_older_or_foreign_ones_are_refused() {
    let desk = Desk::new();
    let pki = Pki::new().unwrap();
    let publisher = pki.issue(KeyKind::P256, "Herausgeber").unwrap();
    let (pkcs12, password) = desk.home.key_file("publisher", &publisher);
    let certificate = desk.file("publisher.der", &publisher.certificate_der());
    let certificate = certificate.to_str().unwrap();

    // What is signed below needs its authority and a revocation state that the policy does not insist on.
    let seals = desk.file("seals.der", &desk.world.authority_der(Issuer::Seals));
    let policy = "name = \"no revocation\"\ncatalogue = \"ts119312\"\n[checks]\nrevocation-known = \"warn\"\n";
    let policy = desk.file("policy.toml", policy.as_bytes());
    let document = desk.file("beleg.bin", b"Beleg 17");
    let out = desk.home.path().join("out");
    let config = desk.home.path().join("sealmill.toml");
    let [config, document, out_text] = [&config, &document, &out].map(|path| path.to_str().unwrap());
    let said = desk.sealmill(&["sign", "--config", config, "--format", "cades", document, "-o", out_text]);
    assert_eq!(said.code, 0, "{said:?}");
    let signed = out.join(&names(&out)[0]);
    let verify = || {
        let [signed, seals, policy] = [&signed, &seals, &policy].map(|path| path.to_str().unwrap());
        let said = desk.sealmill(&[
            "--json",
            "verify",
            "--offline",
            "--config",
            config,
            "--known",
            seals,
            "--policy",
            policy,
            signed,
        ]);
        let report: Value = serde_json::from_str(said.out.trim()).unwrap_or_else(|_| panic!("{said:?}"));
        (said.code, report["signatures"][0]["sub_indication"].clone())
    };
    assert_eq!(verify(), (2, "NO_CERTIFICATE_CHAIN_FOUND".into()));

    let second = desk.batch(2, &pkcs12, &password);
    let second = second.to_str().unwrap();
    let said = desk.trust(&["import", "--batch", second]);
    assert_eq!(said.code, 3, "the first batch needs a key: {said:?}");
    let said = desk.trust(&["import", "--batch", second, "--key", certificate]);
    assert!(said.code == 0 && said.out.contains("World (DE) is new"), "{said:?}");
    assert_eq!(verify(), (2, "NO_CERTIFICATE_CHAIN_FOUND".into()), "imported is not allowed");
    assert_eq!(desk.trust(&["allow", "batch/nobody"]).code, 3);
    let said = desk.trust(&["allow", "batch/welt"]);
    assert!(said.code == 0 && said.out.contains("batch/welt: allowed"), "{said:?}");
    assert_eq!(verify(), (0, Value::Null));
    let listed = desk.trust(&["list"]);
    assert!(listed.out.contains("welt") && listed.out.contains("allowed"), "{listed:?}");

    let first = desk.batch(1, &pkcs12, &password);
    let said = desk.trust(&["import", "--batch", first.to_str().unwrap()]);
    assert!(said.code == 1 && said.err.contains("old batch"), "{said:?}");
    let stranger = pki.issue(KeyKind::P256, "Fremder").unwrap();
    let (foreign, foreign_password) = desk.home.key_file("stranger", &stranger);
    let third = desk.batch(3, &foreign, &foreign_password);
    let said = desk.trust(&["import", "--batch", third.to_str().unwrap()]);
    assert!(said.code == 1 && said.err.contains("not pinned"), "{said:?}");

    assert_eq!(desk.trust(&["allow", "--deny", "batch/welt"]).code, 0);
    assert_eq!(verify(), (2, "NO_CERTIFICATE_CHAIN_FOUND".into()));
    assert!(desk.home.audit_is_unbroken() >= 3);
}
