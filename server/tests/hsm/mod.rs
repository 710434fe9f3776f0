//! Homes whose signers are on SoftHSM tokens, behind a shim that misbehaves if asked to.
#![allow(dead_code, unreachable_pub)] // each test program uses its part
#![allow(clippy::unwrap_used)]

use crate::support::{Home, Server, wait};
use std::path::PathBuf;
use std::sync::Arc;
use testkit::pki::{Identity, KeyKind, Pki};
use testkit::shim::Shim;
use testkit::softhsm::{SoftHsm, Token};
use testkit::tools::Said;

/// One token in a home.
pub struct Card {
    pub hsm: SoftHsm,
    pub token: Token,
    pub shim: Shim,
    pin_file: PathBuf,
}

impl Card {
    /// A token with the shared authority's signer of this kind, as signer `card` of the home.
    pub fn in_home(home: &mut Home, kind: KeyKind, lines: &str) -> Self {
        let signer = Pki::shared().signer(kind).unwrap();
        Self::with_signers(home, &[signer], lines, "[[token.signer]]\nname = \"card\"\nchain = \"keys/chain.pem\"")
    }

    /// A token with these signers. `lines` go to `[[token]]`, `signers` follow. The authorities above them, which the
    /// token does not hold, are in `keys/chain.pem`.
    pub fn with_signers(home: &mut Home, identities: &[Arc<Identity>], lines: &str, signers: &str) -> Self {
        let identities: Vec<&Identity> = identities.iter().map(AsRef::as_ref).collect();
        let (hsm, token) = SoftHsm::with_token("Siegelkarte", &identities).unwrap();
        let shim = Shim::before(hsm.module()).unwrap();
        for (name, value) in hsm.environment() {
            home.environment(name, value);
        }
        for (name, value) in shim.environment() {
            home.environment(name, value);
        }
        let card = Self { pin_file: home.path().join("keys/pin"), hsm, token, shim };
        card.write_pin(card.token.pin());
        if let Some(signer) = identities.first() {
            let chain = String::from_utf8(signer.chain_pem().unwrap()).unwrap();
            let (_signer, above) = chain.split_once("-----END CERTIFICATE-----\n").unwrap();
            std::fs::write(home.path().join("keys/chain.pem"), above).unwrap();
        }
        let (serial, module) = (card.token.serial(), card.shim.library());
        home.add(&format!("[[token]]\nserial = \"{serial}\"\nmodule = {module:?}\npin_file = \"keys/pin\"\n{lines}"));
        home.add(signers);
        card
    }

    /// What the configured file holds.
    pub fn write_pin(&self, pin: &str) {
        std::fs::write(&self.pin_file, format!("{pin}\n")).unwrap();
    }

    /// Whether the server shows the token in this state.
    pub fn is(&self, server: &Server, state: &str) -> bool {
        let labels = [format!("token=\"{}\"", self.token.serial()), format!("state=\"{state}\"")];
        server.metric("sealmill_token_state", &[&labels[0], &labels[1]]) == Some(1.0)
    }

    /// Waits until the server shows the token in this state.
    #[track_caller]
    pub fn wait_for(&self, server: &Server, state: &str) {
        wait(&format!("the token to be {state}"), 30, || self.is(server, state));
    }

    /// Signatures of the token since the start of the server.
    pub fn signatures(&self, server: &Server) -> f64 {
        let label = format!("token=\"{}\"", self.token.serial());
        server.metric("sealmill_token_signatures_total", &[&label]).unwrap_or_default()
    }

    /// `sealmill token unblock`.
    pub fn unblock(&self, home: &Home) -> Said {
        let config = home.config().to_string_lossy().into_owned();
        home.run(["token", "unblock", self.token.serial(), "--config", &config, "--operator", "Frau Muster"])
    }
}

/// The content of the file with this number.
pub fn invoice(number: usize) -> Vec<u8> {
    format!("<Rechnung><Nummer>{number}</Nummer></Rechnung>\n").into_bytes()
}

/// Its name.
pub fn name(number: usize) -> String {
    format!("{number:05}.xml")
}
