//! Runs programs that we did not write (openssl, qpdf, pdfsig, SoftHSM's, python) and says clearly when one is missing.
//!
//! It never decides that a test may be left out: a missing program is an error that names `make test`, which installs
//! all of them.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a program said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output, as text.
    pub out: String,
    /// Standard error, as text.
    pub err: String,
}

impl Said {
    /// Exit code 0.
    pub fn ok(&self) -> bool {
        self.code == 0
    }
}

/// Runs a program to its end. An error only if it could not be started.
pub fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Result<Said> {
    said(program, Command::new(program).args(arguments))
}

/// Runs a program that must succeed and gives its standard output; the error carries what it complained about.
pub fn run_ok<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Result<String> {
    ok(program, Command::new(program).args(arguments))
}

/// As [`run`], for a command with an environment or a folder of its own.
pub fn said(program: &str, command: &mut Command) -> Result<Said> {
    let Output { status, stdout, stderr } = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("{program} is not installed; `make test` installs what the tests need"),
        _ => anyhow::Error::new(error).context(format!("start {program}")),
    })?;
    Ok(Said {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// As [`run_ok`], for a command with an environment or a folder of its own.
pub fn ok(program: &str, command: &mut Command) -> Result<String> {
    let said = said(program, command)?;
    if !said.ok() {
        bail!("{program} ended with {}: {}{}", said.code, said.out.trim(), said.err.trim());
    }
    Ok(said.out)
}

/// Java for a program that ends soon: without the compiler that pays off later and the collector of many threads it takes half
/// of the processor time.
pub fn java() -> Command {
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
    command
}

/// The root of the workspace. What cargo says now goes before what it said when this was compiled: a target folder that
/// several clones share holds one compiled form for all of them.
pub fn workspace_root() -> PathBuf {
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR"));
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = now.as_deref().unwrap_or(compiled);
    let root = manifest.ancestors().find(|folder| folder.join("testkit/python").is_dir());
    root.unwrap_or(compiled.parent().unwrap_or(compiled)).to_path_buf()
}

/// The python that has pyHanko: `SEALMILL_PYTHON`, or the one `make test` puts beside what cargo builds.
pub fn python() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("SEALMILL_PYTHON") {
        return Ok(PathBuf::from(chosen));
    }
    let built = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let places = built.into_iter().chain([workspace_root().join("target")]);
    let found = places.map(|place| place.join("python/bin/python")).find(|python| python.exists());
    found.context("no python with pyHanko: set SEALMILL_PYTHON, or run `make test`, which makes one under target/")
}

/// Runs this test again in a process of its own with these environment variables, and fails as it fails.
///
/// A test cannot change its own environment (other threads read it), but a PKCS#11 module such as SoftHSM is
/// configured by nothing else. `name` is the test's full path (`module::tests::name`). The child sees
/// `TESTKIT_CHILD=name`; use it as the guard:
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// if !testkit::tools::is_child("tests::signs") {
///     return testkit::tools::again_in_child("tests::signs", &[("SOFTHSM2_CONF", "/some/where".into())]);
/// }
/// // from here on the environment is as wanted
/// # Ok(()) }
/// ```
pub fn again_in_child(name: &str, environment: &[(&str, std::ffi::OsString)]) -> Result<()> {
    let program = std::env::current_exe().context("find this test's program")?;
    let mut command = Command::new(program);
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, name);
    command.envs(environment.iter().map(|(key, value)| (key, value)));
    let said = said("this test in a child process", &mut command)?;
    if !said.ok() || !said.out.contains("1 passed") {
        bail!("in the child process ({}):\n{}\n{}", said.code, said.out, said.err);
    }
    Ok(())
}

/// Whether this process is the one that [`again_in_child`] started for this test.
pub fn is_child(name: &str) -> bool {
    std::env::var_os(CHILD).is_some_and(|child| child == name)
}

const CHILD: &str = "TESTKIT_CHILD";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_missing_program_is_an_error_that_says_what_to_do() {
        let error = run("no-such-program-here", ["x"]).unwrap_err().to_string();
        assert!(error.contains("no-such-program-here") && error.contains("make test"), "{error}");
    }

    #[test]
    fn failure_carries_what_the_program_said() {
        let error = run_ok("openssl", ["verify", "/no/such/file"]).unwrap_err().to_string();
        assert!(error.contains("/no/such/file"), "{error}");
        assert!(run_ok("openssl", ["version"]).unwrap().starts_with("OpenSSL"));
    }

    #[test]
    fn a_child_gets_the_environment_and_its_failure_is_ours() {
        let name = "tools::tests::a_child_gets_the_environment_and_its_failure_is_ours";
        if is_child(name) {
            assert_eq!(std::env::var("TESTKIT_SAMPLE").unwrap(), "42");
            return;
        }
        again_in_child(name, &[("TESTKIT_SAMPLE", "42".into())]).unwrap();
        assert!(again_in_child(name, &[("TESTKIT_SAMPLE", "43".into())]).is_err());
        assert!(again_in_child("tests::no_such_test", &[]).is_err());
    }
}
