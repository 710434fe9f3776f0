//! The child process that a module lives in: `sealmill token-host`.
//!
//! Standard input is the control socket. Its first frame is the path of the module; every further message is one byte
//! with a socket attached, a channel, which a thread of its own serves until the other end closes it. When the control
//! socket closes, the server has gone and the process ends, whatever vendor code hangs in: there are no orphans.
//!
//! The child decides nothing. The ledger of logins is the server's; it has written the attempt before it asks for one.

use crate::fault::Fault;
use crate::module::Module;
use crate::pin::{Attempt, ContextLogin, PinSource, Witness};
use crate::pkcs11::Pkcs11Token;
use crate::slot;
use crate::wire::{self, Frame, LoggedIn, Reader, Request};
use crate::{Session, Token};
use model::TokenSerial;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags};
use rustix::process::{Resource, Rlimit};
use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// How long a module may take to finalise itself when the server has gone.
const FINALISE: Duration = Duration::from_secs(2);

/// The child's `main`. Does not return once it was started by a server: when the server goes, the process is ended
/// from within, by SIGKILL, so that no vendor code can hold it up.
///
/// Exit code 2: standard input is no control socket, so this was not started by a server.
pub fn run_host() -> ExitCode {
    // A dump of this process could hold a PIN.
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    match serve_control() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "token host: standard input is no control socket");
            ExitCode::from(2)
        }
    }
}

fn serve_control() -> io::Result<()> {
    let control: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let mut control = UnixStream::from(control);
    let path = wire::receive_exactly(&mut control)?;
    let path: String = Reader::whole(&path).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let host = Arc::new(Host { path: PathBuf::from(path), tokens: Mutex::default() });
    while let Some(channel) = receive_channel(&control)? {
        let host = Arc::clone(&host);
        let serve = move || host.serve(UnixStream::from(channel));
        // Without a thread the channel closes, and the server sees that its call has failed.
        if let Err(error) = std::thread::Builder::new().name("channel".to_owned()).spawn(serve) {
            tracing::error!(%error, "token host: no thread for a channel");
        }
    }
    finalise();
    Ok(())
}

/// The next channel; `None` when the server has closed the control socket.
fn receive_channel(control: &UnixStream) -> io::Result<Option<OwnedFd>> {
    loop {
        let mut byte = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut byte)];
        let received = match rustix::net::recvmsg(control, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => continue,
            received => received?,
        };
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::other("a channel was lost; too many open files"));
        }
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(mut sockets) = message {
                return Ok(sockets.next());
            }
        }
    }
}

struct Host {
    path: PathBuf,
    /// The tokens asked for so far, with their logins.
    tokens: Mutex<HashMap<TokenSerial, Arc<Pkcs11Token>>>,
}

impl Host {
    fn token(&self, serial: TokenSerial) -> Result<Arc<Pkcs11Token>, Fault> {
        let module = Module::load(&self.path)?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let token =
            tokens.entry(serial).or_insert_with_key(|serial| Arc::new(Pkcs11Token::new(module, serial.clone())));
        Ok(Arc::clone(token))
    }

    /// Answers requests until the other end closes the channel or sends something that is none.
    fn serve(&self, mut channel: UnixStream) {
        let mut session: Option<Box<dyn Session>> = None;
        loop {
            let Ok(body) = wire::receive(&mut channel) else { return };
            let Ok(request) = Reader::whole::<Request>(&body) else {
                tracing::error!("token host: malformed request");
                return;
            };
            drop(body); // it may hold a PIN; erased before the token is asked
            if self.answer(request, &mut session).send(&mut channel).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: Request, session: &mut Option<Box<dyn Session>>) -> Frame {
        let answer = Frame::new();
        match request {
            Request::Present { serial } => answer.with(&self.token(serial).and_then(|token| token.present())),
            Request::Login { serial, confirmed, verified, pin } => answer.with(&match self.token(serial) {
                Ok(token) => token.attempt(&pin, confirmed, verified),
                Err(fault) => Attempt::NotTried(fault.into()),
            }),
            Request::Keys { serial } => answer.with(&self.token(serial).and_then(|token| token.found_keys())),
            Request::List => answer.with(&Module::load(&self.path).and_then(|module| slot::list_slots(&module))),
            Request::Open { serial } => {
                let opened = self.token(serial).and_then(|token| token.open_session());
                answer.with(&opened.map(|opened| {
                    *session = Some(opened);
                    true
                }))
            }
            Request::Sign { key, to_be_signed } => answer.with(&match session {
                Some(session) => session.sign(&key, &to_be_signed),
                None => Err(Fault::SessionLost("the channel is no session".to_owned())),
            }),
            Request::SignIn { pin, key, to_be_signed } => {
                answer.with(&logged_in(session, pin, |session| session.sign(&key, &to_be_signed)))
            }
            Request::Decrypt { key, wrapped } => answer.with(&match session {
                Some(session) => session.decrypt(&key, &wrapped),
                None => Err(Fault::SessionLost("the channel is no session".to_owned())),
            }),
            Request::DecryptIn { pin, key, wrapped } => {
                answer.with(&logged_in(session, pin, |session| session.decrypt(&key, &wrapped)))
            }
        }
    }
}

/// Lets the module log out and let go of its readers, but not for ever, and ends the process.
fn finalise() {
    let (done, wait) = mpsc::sync_channel(1);
    let work = move || {
        Module::finalise_all();
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(work).is_ok() {
        let _ = wait.recv_timeout(FINALISE);
    }
    // Not by returning: leaving `main` runs the destructors of vendor code, which may hang as well.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// An operation with a login of its own, and what became of the login.
fn logged_in<T>(
    session: &mut Option<Box<dyn Session>>,
    pin: PinSource,
    operation: impl FnOnce(&mut dyn Session) -> Result<T, Fault>,
) -> LoggedIn<T> {
    let Some(session) = session else {
        let fault = Fault::SessionLost("the channel is no session".to_owned());
        return LoggedIn { attempt: Attempt::NotTried(fault.clone().into()), done: Err(fault) };
    };
    let witness = Arc::new(Witness::default());
    session.authenticate_with(ContextLogin::once(pin, Arc::clone(&witness)));
    let done = operation(&mut **session);
    let attempt = match (witness.told(), &done) {
        // The session tells more exactly than the ledger why the token refused.
        (Some(Attempt::Refused(_)), Err(Fault::LoginRefused(refused))) => Attempt::Refused((**refused).clone()),
        (Some(Attempt::NotTried(_)) | None, Err(Fault::LoginRefused(refused))) => {
            Attempt::NotTried((**refused).clone())
        }
        (Some(Attempt::NotTried(_)) | None, Err(fault)) => Attempt::NotTried(fault.clone().into()),
        (Some(attempt), _) => attempt,
        (None, Ok(_)) => Attempt::AlreadyIn,
    };
    LoggedIn { attempt, done }
}
