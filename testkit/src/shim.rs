//! The PKCS#11 module that misbehaves on demand (`testkit/shim/shim.c`), compiled with the C compiler.
//!
//! It stands before a real module, counts logins and signatures, and hangs, crashes or lies while a switch is on. It is
//! told all that by the environment of the process that loads it, and by files that a test makes and removes.

use crate::tools;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A compiled shim before a real module, with its switches and its counts in a folder of its own.
pub struct Shim {
    folder: tempfile::TempDir,
    library: PathBuf,
    target: PathBuf,
}

/// What the shim does while the switch is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// C_Sign does not return.
    Hang,
    /// C_Sign ends the process.
    Crash,
    /// C_Login ends the process, after it was counted.
    LoginCrash,
    /// C_Login does not return, after it was counted.
    LoginHang,
    /// C_Login answers CKR_PIN_INCORRECT, after it was counted; the real token sees nothing of it.
    LoginRefuse,
    /// C_Sign answers a signature with one wrong bit.
    WrongSignature,
    /// There is no token in any slot.
    Gone,
}

impl Switch {
    const ALL: [Switch; 7] = [
        Switch::Hang,
        Switch::Crash,
        Switch::LoginCrash,
        Switch::LoginHang,
        Switch::LoginRefuse,
        Switch::WrongSignature,
        Switch::Gone,
    ];

    fn variable(self) -> &'static str {
        match self {
            Switch::Hang => "SHIM_HANG_FILE",
            Switch::Crash => "SHIM_CRASH_FILE",
            Switch::LoginCrash => "SHIM_LOGIN_CRASH_FILE",
            Switch::LoginHang => "SHIM_LOGIN_HANG_FILE",
            Switch::LoginRefuse => "SHIM_LOGIN_REFUSE_FILE",
            Switch::WrongSignature => "SHIM_WRONG_FILE",
            Switch::Gone => "SHIM_GONE_FILE",
        }
    }
}

impl Shim {
    /// Compiles the shim; `target` is the real module, for example [`crate::softhsm::SoftHsm::module`].
    pub fn before(target: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("testkit-shim-").tempdir()?;
        let library = compile("shim", folder.path())?;
        Ok(Self { folder, library, target: target.to_path_buf() })
    }

    /// The module to load.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The environment of the process that loads it (besides that of the real module).
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut all = vec![("SHIM_TARGET", self.target.clone().into_os_string())];
        all.push(("SHIM_LOGIN_LOG", self.path("logins").into_os_string()));
        all.push(("SHIM_SIGN_LOG", self.path("signatures").into_os_string()));
        all.extend(Switch::ALL.map(|switch| (switch.variable(), self.path(switch.variable()).into_os_string())));
        all
    }

    /// Turns a switch on or off; it acts at once, on every process that has loaded this shim.
    pub fn turn(&self, switch: Switch, on: bool) -> Result<()> {
        let path = self.path(switch.variable());
        match (on, path.exists()) {
            (true, _) => Ok(std::fs::write(path, "")?),
            (false, true) => Ok(std::fs::remove_file(path)?),
            (false, false) => Ok(()),
        }
    }

    /// Every C_Login so far, one letter each: `u` by the user, `c` for one signature, `s` by the security officer.
    pub fn logins(&self) -> String {
        std::fs::read_to_string(self.path("logins")).unwrap_or_default()
    }

    /// How often C_Sign was called; a caller that asks for the length first counts twice.
    pub fn signatures(&self) -> usize {
        std::fs::read(self.path("signatures")).unwrap_or_default().len()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Compiles `testkit/shim/<name>.c` to a shared library in `folder` and gives its path.
pub fn compile(name: &str, folder: &Path) -> Result<PathBuf> {
    let source = tools::workspace_root().join("testkit/shim").join(format!("{name}.c"));
    compile_source(&source, folder)
}

/// Compiles `testkit/shim/shim.c` into `folder`, for callers that set its environment themselves.
pub fn shim(folder: &Path) -> Result<PathBuf> {
    compile("shim", folder)
}

/// Compiles any single C file to a shared library in `folder`.
pub fn compile_source(source: &Path, folder: &Path) -> Result<PathBuf> {
    let stem = source.file_stem().context("a source file has a name")?;
    let library = folder.join(format!("lib{}.so", stem.to_string_lossy()));
    let paths = [library.to_string_lossy().into_owned(), source.to_string_lossy().into_owned()];
    let options = ["-shared", "-fPIC", "-O1", "-g", "-Wall", "-o", &paths[0], &paths[1], "-ldl", "-lpthread"];
    tools::run_ok("cc", options)?;
    Ok(library)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pki::{KeyKind, Pki};
    use crate::softhsm::{SoftHsm, Token};
    use crate::tools::Said;
    use std::process::Command;

    fn sign(hsm: &SoftHsm, shim: &Shim, token: &Token, pin: &str) -> Said {
        let mut command = Command::new("pkcs11-tool");
        command.arg("--module").arg(shim.library()).args(["--token-label", token.label(), "--login", "--pin", pin]);
        command.args(["--sign", "-m", "ECDSA", "-i"]).arg(shim.path("digest")).arg("-o").arg(shim.path("value"));
        tools::said("pkcs11-tool", command.envs(hsm.environment()).envs(shim.environment())).unwrap()
    }

    #[test]
    fn it_counts_refuses_crashes_and_removes() {
        let signer = Pki::shared().signer(KeyKind::P256).unwrap();
        let (hsm, token) = SoftHsm::with_token("Karte", &[&signer]).unwrap();
        let shim = Shim::before(hsm.module()).unwrap();
        std::fs::write(shim.path("digest"), [7; 32]).unwrap();

        let said = sign(&hsm, &shim, &token, token.pin());
        assert!(said.ok(), "{said:?}");
        assert_eq!(shim.logins(), "u");
        assert!(shim.signatures() >= 1);
        assert!(!sign(&hsm, &shim, &token, "falsch").ok());
        assert_eq!(shim.logins(), "uu");

        for switch in [Switch::LoginRefuse, Switch::LoginCrash, Switch::Crash, Switch::Gone] {
            shim.turn(switch, true).unwrap();
            assert!(!sign(&hsm, &shim, &token, token.pin()).ok(), "{switch:?}");
            shim.turn(switch, false).unwrap();
        }
        assert!(sign(&hsm, &shim, &token, token.pin()).ok());
        assert_eq!(shim.logins(), "uuuuuu", "a token that is gone is not logged in to");
    }

    #[test]
    fn c_becomes_a_library_and_an_error_shows_the_compilers_words() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.c");
        std::fs::write(&good, "int answer(void) { return 42; }\n").unwrap();
        let library = compile_source(&good, folder.path()).unwrap();
        assert!(std::fs::read(library).unwrap().starts_with(b"\x7fELF"));
        let bad = folder.path().join("bad.c");
        std::fs::write(&bad, "int answer(void) { return nothing; }\n").unwrap();
        assert!(compile_source(&bad, folder.path()).unwrap_err().to_string().contains("nothing"));
    }
}
