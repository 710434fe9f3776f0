//! A loaded PKCS#11 module: initialised once in a process, never unloaded.
//!
//! Counts the open sessions, because a module may be started anew (`C_Finalize`, `C_Initialize`) only while there are
//! none. That is how a slot list that the module caches is refreshed: SoftHSM and several HSM modules read their
//! tokens in `C_Initialize` and never again. With sessions open on other tokens of the module the refresh waits.

use crate::fault::Fault;
use crate::raw::RawModule;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

/// A loaded module. Clones are the same module.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

struct Inner {
    path: PathBuf,
    pkcs11: Pkcs11,
    raw: RawModule,
    /// Somebody else in this process had initialised it; then it is not ours to start anew.
    adopted: bool,
    /// Held for reading while the module works, for writing while it is started anew.
    life: RwLock<()>,
    sessions: AtomicUsize,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({})", self.0.path.display())
    }
}

fn initialise(pkcs11: &Pkcs11) -> Result<(), Error> {
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
}

/// The modules that this process has loaded, by canonical path. They stay: vendor code does not survive unloading.
fn loaded() -> MutexGuard<'static, HashMap<PathBuf, Module>> {
    static LOADED: OnceLock<Mutex<HashMap<PathBuf, Module>>> = OnceLock::new();
    LOADED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Module {
    /// Loads and initialises a module, or gives the one that this process has loaded from the same file before.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let path = path
            .canonicalize()
            .map_err(|error| Fault::Request(format!("the module {} cannot be read: {error}", path.display())))?;
        // Held while loading: two threads must not initialise the same module.
        let mut loaded = loaded();
        if let Some(module) = loaded.get(&path) {
            return Ok(module.clone());
        }
        let pkcs11 = Pkcs11::new(&path)?;
        let raw = RawModule::load(&path)?;
        let adopted = match initialise(&pkcs11) {
            Ok(()) => false,
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => true,
            Err(error) => return Err(error.into()),
        };
        let inner =
            Inner { path: path.clone(), pkcs11, raw, adopted, life: RwLock::new(()), sessions: AtomicUsize::new(0) };
        let module = Self(Arc::new(inner));
        loaded.insert(path, module.clone());
        Ok(module)
    }

    /// Where it was loaded from.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Runs a query that needs no session of its own.
    pub(crate) fn with<T>(&self, query: impl FnOnce(&Pkcs11) -> Result<T, Error>) -> Result<T, Fault> {
        let _alive = self.0.life.read().unwrap_or_else(PoisonError::into_inner);
        Ok(query(&self.0.pkcs11)?)
    }

    /// Opens a read-only session; signing needs no more.
    pub(crate) fn open(&self, slot: Slot) -> Result<OpenSession, Fault> {
        let _alive = self.0.life.read().unwrap_or_else(PoisonError::into_inner);
        let session = self.0.pkcs11.open_ro_session(slot)?;
        self.0.sessions.fetch_add(1, Ordering::SeqCst);
        Ok(OpenSession { session: Some(session), module: self.clone() })
    }

    /// Starts the module anew, unless a session is open, a call is under way or the module is not ours. Whether it did.
    pub(crate) fn refresh(&self) -> bool {
        let Ok(_alone) = self.0.life.try_write() else { return false };
        if self.0.adopted || self.0.sessions.load(Ordering::SeqCst) > 0 {
            return false;
        }
        // A module that has lost itself answers "not initialised" here; then initialising is all it needs.
        let _ = self.0.pkcs11.clone().finalize();
        match initialise(&self.0.pkcs11) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(module = %self.0.path.display(), %error, "module cannot be started anew");
                false
            }
        }
    }

    /// Ends the work of all modules in this process, for the end of the process: they log out and free their readers.
    pub(crate) fn finalise_all() {
        for module in loaded().values().filter(|module| !module.0.adopted) {
            let _ = module.0.pkcs11.clone().finalize();
        }
    }
}

/// A session that is counted, and closed when dropped.
pub(crate) struct OpenSession {
    session: Option<Session>,
    module: Module,
}

impl OpenSession {
    /// The session. An error only in the impossible case that it is being dropped.
    pub(crate) fn get(&self) -> Result<&Session, Fault> {
        self.session.as_ref().ok_or_else(|| Fault::SessionLost("closed".to_owned()))
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// See [`RawModule::decrypt`].
    pub(crate) fn decrypt(&self, data: &mut [u8], plain: &mut [u8]) -> Result<Result<usize, RvError>, Fault> {
        Ok(self.module.0.raw.decrypt(self.get()?, data, plain))
    }

    /// See [`RawModule::sign`].
    pub(crate) fn sign(&self, data: &mut [u8], signature: &mut [u8]) -> Result<Result<usize, RvError>, Fault> {
        Ok(self.module.0.raw.sign(self.get()?, data, signature))
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        // Closed first, counted afterwards: the module must not be started anew in between.
        drop(self.session.take());
        self.module.0.sessions.fetch_sub(1, Ordering::SeqCst);
    }
}
