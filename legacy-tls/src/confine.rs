//! Gives up every right that serving strangers does not need. Afterwards the process is another user, gains no right by
//! running a program, leaves no memory dump, and (where the kernel has Landlock) opens no file and no TCP connection,
//! whatever a stranger makes of it. What remains are the open listeners and the server's socket.

use crate::config::Config;
use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, User, setgid, setgroups, setuid};

/// Files that the process has open beside the two of each connection.
const OTHER_FILES_MAX: u64 = 64;

/// Sees that so many connections do not end in "too many open files".
pub(crate) fn room_for(connections: usize) -> Result<(), String> {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHER_FILES_MAX);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    if needed > hard {
        return Err(format!("connections_max = {connections} needs {needed} open files; the limit is {hard}"));
    }
    if needed > soft {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Gives them up, and says in words what came of it. No other thread may run yet: Landlock binds the calling thread and
/// those that it starts.
pub(crate) fn give_up_rights(config: &Config) -> Result<String, String> {
    let user = become_user(config.user.as_deref())?;
    prctl::set_no_new_privs().map_err(|error| format!("no_new_privs: {error}"))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|error| format!("core dumps: {error}"))?;
    prctl::set_dumpable(false).map_err(|error| format!("core dumps: {error}"))?;
    Ok(format!("{user}, {}", lock_out()?))
}

fn become_user(name: Option<&str>) -> Result<String, String> {
    if !Uid::effective().is_root() {
        return Ok(format!("runs as user {}", Uid::effective()));
    }
    let name = name.ok_or("started as root, but no `user` is configured to become")?;
    let user = User::from_name(name).ok().flatten().ok_or_else(|| format!("there is no user {name}"))?;
    if user.uid.is_root() {
        return Err(format!("{name} is root"));
    }
    let failed = |error: Errno| format!("cannot become {name}: {error}");
    setgroups(&[]).map_err(failed)?;
    setgid(user.gid).map_err(failed)?;
    setuid(user.uid).map_err(failed)?;
    if setuid(Uid::from_raw(0)).is_ok() {
        return Err(format!("became {name}, but root's rights came back"));
    }
    Ok(format!("runs as user {} ({name})", user.uid))
}

fn lock_out() -> Result<&'static str, String> {
    let newest = ABI::V6;
    let ruleset = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(newest))?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            .restrict_self()
    };
    let status = ruleset().map_err(|error| format!("Landlock: {error}"))?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "no files, no outgoing connections",
        RulesetStatus::PartiallyEnforced => "no files; the kernel is too old to forbid everything that Landlock could",
        RulesetStatus::NotEnforced => "files and connections as the user may: this kernel has no Landlock",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn afterwards_no_file_opens_and_no_connection_goes_out_but_the_servers_socket_answers() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("server.sock");
        let server = UnixListener::bind(&socket).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // In a thread of its own, which alone is locked out.
        std::thread::spawn(move || {
            let said = lock_out().unwrap();
            let denied = |what: ErrorKind| what == ErrorKind::PermissionDenied;
            let file = std::fs::read("/etc/passwd").map(drop).map_err(|error| denied(error.kind()));
            let connection = TcpStream::connect(address).map(drop).map_err(|error| denied(error.kind()));
            // Never less than was said; what was said depends on the kernel.
            assert_eq!(file, if said.starts_with("no files") { Err(true) } else { Ok(()) }, "{said}");
            if said == "no files, no outgoing connections" {
                assert_eq!(connection, Err(true));
            }
            UnixStream::connect(&socket).unwrap();
        })
        .join()
        .unwrap();
        TcpStream::connect(address).unwrap();
        server.accept().unwrap();
    }

    #[test]
    fn more_connections_than_files_are_refused() {
        assert!(room_for(usize::MAX).unwrap_err().contains("open files"));
        room_for(16).unwrap();
    }
}
