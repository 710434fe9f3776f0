//! `openssl ts` as a time-stamping authority and as a judge, and a search for tokens in any file.

#![allow(unreachable_pub, clippy::unwrap_used)]

use model::{Clock, Digest, SystemClock, Time};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use testkit::tools;

/// The policy that the authority has.
pub const POLICY: &str = "1.3.6.1.4.1.99999.1.2";
pub const NONCE: u64 = 0xfedc_ba98_7654_3210;

pub fn now() -> Time {
    SystemClock.now()
}

/// An authority whose root and unit live in a folder.
pub struct OpensslTsa {
    folder: TempDir,
    root: Vec<u8>,
    unit: Vec<u8>,
}

const CONFIG: &str = "
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[unit]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
[tsa]
default_tsa = here
[here]
serial = $ENV::FOLDER/serial
crypto_device = builtin
signer_cert = $ENV::FOLDER/unit.pem
certs = $ENV::FOLDER/root.pem
signer_key = $ENV::FOLDER/unit.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1.2
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
";

impl OpensslTsa {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tsa.cnf"), CONFIG).unwrap();
        let mut tsa = Self { folder, root: Vec::new(), unit: Vec::new() };
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
        tsa.openssl("req -x509 -config tsa.cnf -extensions ca -subj /CN=Root -keyout root.key -out root.pem", &ec);
        let of_unit = "req -x509 -config tsa.cnf -extensions unit -subj /CN=Unit -CA root.pem -CAkey root.key \
                       -keyout unit.key -out unit.pem";
        tsa.openssl(of_unit, &ec);
        for name in ["root", "unit"] {
            tsa.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"), &[]);
        }
        (tsa.root, tsa.unit) = (tsa.read("root.der"), tsa.read("unit.der"));
        tsa
    }

    pub fn root(&self) -> &[u8] {
        &self.root
    }

    pub fn unit(&self) -> &[u8] {
        &self.unit
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn command(&self, line: &str, further: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(self.folder.path()).env("FOLDER", self.folder.path());
        command.args(line.split_whitespace()).args(further);
        command
    }

    fn openssl(&self, line: &str, further: &[&str]) {
        tools::ok("openssl", &mut self.command(line, further)).unwrap();
    }

    /// The answer to a request.
    pub fn reply(&self, request: &[u8]) -> Vec<u8> {
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _serial_file = ONE_AT_A_TIME.lock().unwrap();
        std::fs::write(self.path("request"), request).unwrap();
        self.openssl("ts -reply -config tsa.cnf -section here -queryfile request -out response", &[]);
        self.read("response")
    }

    /// `openssl ts -verify` of a token over a digest.
    pub fn verify(&self, token: &[u8], digest: &Digest) -> Result<(), String> {
        std::fs::write(self.path("token"), token).unwrap();
        let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("ts -verify -token_in -in token -digest {hex} -CAfile root.pem");
        let said = tools::said("openssl", &mut self.command(&line, &[])).unwrap();
        if said.ok() { Ok(()) } else { Err(said.out + &said.err) }
    }
}

/// Everything in a file that begins like a CMS message and says that it is a time stamp, DER only; base64 is looked
/// through, too.
pub fn tokens_in(file: &[u8]) -> Vec<Vec<u8>> {
    const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0";
    let mut found = Vec::new();
    for at in file.windows(SIGNED_DATA.len()).enumerate().filter(|(_, window)| *window == SIGNED_DATA).map(|(at, _)| at)
    {
        let start = at.checked_sub(4).filter(|&start| file[start..].starts_with(&[0x30, 0x82]));
        let Some(Ok(whole)) = start.map(|start| formats::der::Reader::new(&file[start..]).read()) else { continue };
        if whole.raw[..whole.raw.len().min(120)].windows(13).any(|window| window == formats::tsp::OID_TST_INFO) {
            found.push(whole.raw.to_vec());
        }
    }
    let mut text = Vec::new();
    for byte in file.iter().chain(b"!") {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => text.push(*byte),
            b'\r' | b'\n' => {}
            _ => {
                if text.starts_with(b"MI") && text.len() > 1_000 {
                    found.extend(
                        openssl::base64::decode_block(std::str::from_utf8(&text).unwrap())
                            .map(|b| tokens_in(&b))
                            .unwrap_or_default(),
                    );
                }
                text.clear();
            }
        }
    }
    found
}
