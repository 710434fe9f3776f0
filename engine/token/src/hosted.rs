//! A token behind a module in a child process: whatever the module does, it does not do it to the server.
//!
//! A [`Host`] is one module and the process it lives in. The process is started when it is needed, and again after it
//! has ended by itself or by [`Token::reset`]. A new process has no logins: its tokens go through present and login
//! again, as after a removal. Several calls at once use several channels, so a login that waits for a person at a PIN
//! pad does not keep others from asking whether the token is present.
//!
//! Tokens of one module may share a host or have one each. Sharing suits readers that only one process may use. But
//! then a hang ends the sessions of all, and a module that reads its tokens only in `C_Initialize` (SoftHSM, several
//! HSMs) sees a token that comes back only when no other token has a session open (see `module.rs`). With a host of
//! its own each token comes and goes alone.

use crate::fault::Fault;
use crate::found::{FoundKey, KeyRef, TokenInfo};
use crate::pin::{
    self, Attempt, ContextLogin, LoggedIn, LoginFailed, LoginLedger, LoginRefused, Pin, PinSource, VerifiedPin,
};
use crate::slot::SlotListing;
use crate::wire::{self, Frame, Reader, Request, Wire};
use crate::{Session, Token};
use model::{Secret, SignatureValue, ToBeSigned, TokenSerial, WrappedKey};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The file that this process was started from, whatever its path leads to by now (Linux).
const SELF: &str = "/proc/self/exe";

/// How a host process is started. Its `main` must call [`crate::run_host`].
#[derive(Clone, Debug)]
pub struct HostCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables added to the environment: some modules are configured by nothing else.
    pub environment: Vec<(OsString, OsString)>,
}

impl HostCommand {
    /// `sealmill token-host`, from the file that this program was started from, even if an update has replaced it
    /// meanwhile: both ends must speak the same frames.
    pub fn this_program() -> io::Result<Self> {
        let program = match Path::new(SELF).exists() {
            true => PathBuf::from(SELF),
            false => std::env::current_exe()?,
        };
        Ok(Self { program, arguments: vec!["token-host".into()], environment: Vec::new() })
    }
}

/// One module in a process of its own. Clones are the same one.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.0.module.display())
    }
}

struct Inner {
    command: HostCommand,
    module: PathBuf,
    process: Mutex<Process>,
}

#[derive(Default)]
struct Process {
    running: Option<Running>,
    /// Counts processes, so that a channel into an earlier one is not used any more.
    generation: u64,
}

struct Running {
    child: Child,
    control: UnixStream,
}

/// A connection to one thread of a process.
struct Channel {
    host: Host,
    stream: UnixStream,
    generation: u64,
}

fn gone(error: impl std::fmt::Display) -> Fault {
    Fault::HostGone(error.to_string())
}

impl Host {
    /// A module and the way to start its process. Starts nothing yet.
    pub fn new(command: HostCommand, module: &Path) -> Self {
        Self(Arc::new(Inner { command, module: module.to_owned(), process: Mutex::default() }))
    }

    /// Everything that the module shows without a login.
    pub fn list_slots(&self) -> Result<Vec<SlotListing>, Fault> {
        self.channel()?.call(Frame::new().with(&Request::List))?
    }

    /// The process id, if one is running.
    pub fn process_id(&self) -> Option<u32> {
        self.process().running.as_ref().map(|running| running.child.id())
    }

    /// Ends the process, if one is running, and waits until it has gone. Every call in it returns
    /// [`Fault::HostGone`].
    pub fn reset(&self) {
        if let Some(running) = self.process().running.take() {
            end(running);
        }
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.0.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new channel, into a new process if need be.
    fn channel(&self) -> Result<Channel, Fault> {
        let mut process = self.process();
        let process = &mut *process;
        if process.is_alive()
            && let Some(Running { control, .. }) = &process.running
            && let Ok(stream) = open_channel(control)
        {
            return Ok(Channel { host: self.clone(), stream, generation: process.generation });
        }
        // None is running, or it has ended, or it takes no channels any more.
        if let Some(running) = process.running.take() {
            end(running);
        }
        let running = self.start().map_err(gone)?;
        process.generation += 1;
        let opened = open_channel(&running.control);
        process.running = Some(running); // reaped later, even if it takes no channel
        let stream = opened.map_err(gone)?;
        Ok(Channel { host: self.clone(), stream, generation: process.generation })
    }

    /// Whether a channel leads into the process that is running now.
    fn is_current(&self, channel: &Channel) -> bool {
        let mut process = self.process();
        process.generation == channel.generation && process.is_alive()
    }

    /// A channel has broken, so the process it leads into has ended, is ending, or has lost a thread. Ending it for good
    /// lets the next call start another, instead of a call or two failing while this one dies.
    fn lost(&self, generation: u64) {
        let mut process = self.process();
        if process.generation == generation
            && let Some(running) = process.running.take()
        {
            end(running);
        }
    }

    fn start(&self) -> io::Result<Running> {
        let (mut control, theirs) = UnixStream::pair()?;
        let HostCommand { program, arguments, environment } = &self.0.command;
        let mut command = Command::new(program);
        command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        if let (true, Some(name)) = (program == Path::new(SELF), std::env::args_os().next()) {
            command.arg0(name); // for people who list processes
        }
        // Ctrl-C on a terminal goes to the whole group; the child must outlive the server's orderly end.
        command.process_group(0);
        // Vendor code that prints must not print into the server's output.
        let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).spawn()?;
        tracing::info!(module = %self.0.module.display(), pid = child.id(), "token host started");
        let path = self.0.module.to_str().ok_or_else(|| io::Error::other("the path of the module is not UTF-8"));
        let sent = path.and_then(|path| Frame::new().with(&path.to_owned()).send(&mut control));
        let running = Running { child, control };
        match sent {
            Ok(()) => Ok(running),
            Err(error) => {
                end(running);
                Err(error)
            }
        }
    }
}

impl Process {
    fn is_alive(&mut self) -> bool {
        match &mut self.running {
            Some(running) => matches!(running.child.try_wait(), Ok(None)),
            None => false,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = process.running.take() {
            end(running);
        }
    }
}

/// Kills by pid and reaps.
fn end(mut running: Running) {
    let pid = running.child.id();
    // An error means that it has ended already.
    let _ = running.child.kill();
    match running.child.wait() {
        Ok(status) => tracing::info!(pid, %status, "token host ended"),
        Err(error) => tracing::error!(pid, %error, "token host cannot be reaped"),
    }
}

/// Sends one end of a new socket pair over the control socket; the child serves it with a thread of its own.
fn open_channel(control: &UnixStream) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let sockets = [theirs.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&sockets));
    loop {
        match rustix::net::sendmsg(control, &[IoSlice::new(b"c")], &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(ours),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Channel {
    /// One request, one answer. Any trouble means that the process has gone, or is no use any more.
    fn call<T: Wire>(&mut self, request: Frame) -> Result<T, Fault> {
        self.ask(request)?;
        self.answer()
    }

    fn ask(&mut self, request: Frame) -> Result<(), Fault> {
        request.send(&mut self.stream).map_err(|error| self.broken(error))
    }

    fn answer<T: Wire>(&mut self) -> Result<T, Fault> {
        let body = wire::receive(&mut self.stream).map_err(|error| self.broken(error))?;
        Reader::whole(&body).map_err(|_| self.broken("malformed answer"))
    }

    fn broken(&self, why: impl std::fmt::Display) -> Fault {
        self.host.lost(self.generation);
        gone(why)
    }
}

/// One token of a module in a process of its own.
pub struct HostedToken {
    host: Host,
    serial: TokenSerial,
    /// A channel that no call uses at the moment.
    idle: Mutex<Option<Channel>>,
}

impl HostedToken {
    /// The token with this serial number; it need not be there yet.
    pub fn new(host: Host, serial: TokenSerial) -> Self {
        Self { host, serial, idle: Mutex::new(None) }
    }

    fn channel(&self) -> Result<Channel, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        match idle.filter(|channel| self.host.is_current(channel)) {
            Some(channel) => Ok(channel),
            None => self.host.channel(),
        }
    }

    fn call<T: Wire>(&self, request: &Request) -> Result<T, Fault> {
        let mut channel = self.channel()?;
        let answer = channel.call(Frame::new().with(request))?;
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel);
        Ok(answer)
    }

    /// One login in the child, already written into the ledger here.
    fn attempt(&self, source: &PinSource, confirmed: bool, verified: bool) -> Attempt {
        let mut channel = match self.channel() {
            Ok(channel) => channel,
            Err(fault) => return Attempt::NotTried(fault.into()),
        };
        // A process that cannot even answer this, because the module crashes when it is loaded, never sees the PIN.
        let there = Request::Present { serial: self.serial.clone() };
        if let Err(fault) = channel.call::<Result<TokenInfo, Fault>>(Frame::new().with(&there)).flatten() {
            return Attempt::NotTried(fault.into());
        }
        let request = wire::login_request(&self.serial, confirmed, verified, source);
        // A request that could not be sent whole has not been acted on.
        if let Err(fault) = channel.ask(request) {
            return Attempt::NotTried(fault.into());
        }
        match channel.answer() {
            Ok(attempt) => attempt,
            // It may have ended before, in or after the call.
            Err(fault) => Attempt::Refused(LoginRefused::Unclear(fault.to_string())),
        }
    }
}

impl fmt::Debug for HostedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostedToken({})", self.serial)
    }
}

impl Token for HostedToken {
    fn serial(&self) -> &TokenSerial {
        &self.serial
    }

    fn present(&self) -> Result<TokenInfo, Fault> {
        self.call::<Result<_, _>>(&Request::Present { serial: self.serial.clone() })?
    }

    fn login(&self, ledger: &dyn LoginLedger, pin: Pin) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>> {
        let confirmed = pin.confirmed;
        pin::login(ledger, &self.serial, pin, |source| self.attempt(source, confirmed, false))
    }

    fn login_again(
        &self,
        ledger: &dyn LoginLedger,
        pin: VerifiedPin,
    ) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>> {
        pin::login_again(ledger, &self.serial, pin, |source| self.attempt(source, false, true))
    }

    fn keys(&self, _: &LoggedIn) -> Result<Vec<FoundKey>, Fault> {
        self.call::<Result<_, _>>(&Request::Keys { serial: self.serial.clone() })?
    }

    fn open_session(&self) -> Result<Box<dyn Session>, Fault> {
        let mut channel = self.host.channel()?;
        let request = Request::Open { serial: self.serial.clone() };
        channel.call::<Result<bool, Fault>>(Frame::new().with(&request))??;
        Ok(Box::new(HostedSession { channel, serial: self.serial.clone(), context: None }))
    }

    fn reset(&self) {
        self.host.reset();
    }

    fn isolated(&self) -> bool {
        true
    }
}

/// The near end of a session; the far end is a `Pkcs11Session` on a thread of its own.
struct HostedSession {
    channel: Channel,
    serial: TokenSerial,
    context: Option<ContextLogin>,
}

impl HostedSession {
    /// One operation; `plain` asks for it, `with_pin` asks for it with a login of its own.
    fn operate<T: Wire>(
        &mut self,
        key: &KeyRef,
        plain: impl FnOnce() -> Frame,
        with_pin: impl FnOnce(&PinSource) -> Frame,
    ) -> Result<T, Fault> {
        if !key.always_authenticate() {
            return self.channel.call::<Result<_, _>>(plain())?;
        }
        let Some(context) = &self.context else {
            return Err(Fault::Request("the key needs a login for each signature, and no PIN is in hand".to_owned()));
        };
        let channel = &mut self.channel;
        let mut outcome = Err(Fault::SessionLost("the login was not tried".to_owned()));
        context.attempt(&self.serial, |source| {
            if let Err(fault) = channel.ask(with_pin(source)) {
                return Attempt::NotTried(fault.into());
            }
            match channel.answer::<wire::LoggedIn<T>>() {
                Ok(wire::LoggedIn { attempt, done }) => {
                    outcome = done;
                    attempt
                }
                // The PIN may have been counted: the process ended, or was ended, somewhere between login and signature.
                Err(fault) => {
                    outcome = Err(fault.clone());
                    Attempt::Refused(LoginRefused::Unclear(fault.to_string()))
                }
            }
        })?;
        outcome
    }
}

impl Session for HostedSession {
    fn sign(&mut self, key: &KeyRef, to_be_signed: &ToBeSigned) -> Result<SignatureValue, Fault> {
        key.check(to_be_signed)?;
        let with_pin = |pin: &PinSource| wire::sign_in_request(pin, key, to_be_signed);
        self.operate(key, || wire::sign_request(key, to_be_signed), with_pin)
    }

    fn decrypt(&mut self, key: &KeyRef, wrapped: &WrappedKey) -> Result<Secret, Fault> {
        key.check_wrapped(wrapped)?;
        // A key agreement is no operation that a login could belong to (PKCS#11 3.2 section 4.9).
        let operation = || wire::decrypt_request(key, wrapped);
        if matches!(wrapped, WrappedKey::Ecdh { .. }) {
            return self.channel.call::<Result<_, _>>(operation())?;
        }
        self.operate(key, operation, |pin| wire::decrypt_in_request(pin, key, wrapped))
    }

    fn authenticate_with(&mut self, login: ContextLogin) {
        self.context = Some(login);
    }
}
