//! The two calls that the binding does not offer as we need them: `C_Sign` and `C_Decrypt` once, into a buffer whose
//! length is known.
//!
//! The binding asks the token for the length first, which doubles the round trips to a card and breaks the order that a
//! context-specific login needs. This is the only file of the crate with `unsafe` in it.

#![allow(unsafe_code)]

use crate::fault::Fault;
use cryptoki::error::{Rv, RvError};
use cryptoki::session::Session;
use cryptoki_sys::{CK_C_Decrypt, CK_C_Sign, CK_FUNCTION_LIST, CK_ULONG};
use std::path::Path;

/// `C_Sign` and `C_Decrypt` of one module.
pub(crate) struct RawModule {
    sign: CK_C_Sign,
    /// Absent in modules of cards that only sign.
    decrypt: CK_C_Decrypt,
    /// Keeps the library loaded for as long as the pointer above is used.
    _library: cryptoki_sys::Pkcs11,
}

impl RawModule {
    /// Loads the same library that the binding has loaded (the loader counts references; nothing is initialised twice).
    pub(crate) fn load(path: &Path) -> Result<Self, Fault> {
        let not_a_module = |why: String| Fault::Request(format!("{} is not a module: {why}", path.display()));
        // SAFETY: loading runs the library's initialisers. The operator named this file as a PKCS#11 module, and the
        // binding has loaded it in this process just before.
        let library = unsafe { cryptoki_sys::Pkcs11::new(path) }.map_err(|error| not_a_module(error.to_string()))?;
        if library.C_GetFunctionList.is_err() {
            return Err(not_a_module("it has no C_GetFunctionList".to_owned()));
        }
        let mut list: *mut CK_FUNCTION_LIST = std::ptr::null_mut();
        // SAFETY: the symbol exists (checked above; the accessor would panic otherwise) and has this signature in every
        // version of PKCS#11; `list` is a valid place for the pointer that it writes.
        let answer = unsafe { library.C_GetFunctionList(&mut list) };
        if Rv::from(answer) != Rv::Ok || list.is_null() {
            return Err(not_a_module(format!("C_GetFunctionList answers {answer:#x}")));
        }
        // SAFETY: the module answered CKR_OK, so `list` points to a function list that lives as long as the library
        // (PKCS#11 3.2 section 5.4.4). It may be packed, hence the unaligned read of the two fields.
        let (sign, decrypt) = unsafe {
            (
                std::ptr::addr_of!((*list).C_Sign).read_unaligned(),
                std::ptr::addr_of!((*list).C_Decrypt).read_unaligned(),
            )
        };
        if sign.is_none() {
            return Err(not_a_module("it has no C_Sign".to_owned()));
        }
        Ok(Self { sign, decrypt, _library: library })
    }

    /// Ends the signature operation that `C_SignInit` has begun. Writes to the front of `signature` and answers the
    /// length. `data` is only read; it is `&mut` because the C interface says so.
    pub(crate) fn sign(&self, session: &Session, data: &mut [u8], signature: &mut [u8]) -> Result<usize, RvError> {
        finish(self.sign, session, data, signature)
    }

    /// Ends the decryption that `C_DecryptInit` has begun. As [`RawModule::sign`].
    pub(crate) fn decrypt(&self, session: &Session, data: &mut [u8], plain: &mut [u8]) -> Result<usize, RvError> {
        finish(self.decrypt, session, data, plain)
    }
}

/// The last call of an operation; `C_Sign` and `C_Decrypt` have the same form.
fn finish(call: CK_C_Sign, session: &Session, data: &mut [u8], out: &mut [u8]) -> Result<usize, RvError> {
    let Some(call) = call else { return Err(RvError::FunctionNotSupported) };
    let mut length = out.len() as CK_ULONG;
    // SAFETY: both buffers are valid for the lengths given, exclusively borrowed for the call, and outlive it. The
    // session belongs to the same library, is open as long as it is borrowed, and is used by this thread alone,
    // because `Session` is not `Sync`.
    let answer =
        unsafe { call(session.handle(), data.as_mut_ptr(), data.len() as CK_ULONG, out.as_mut_ptr(), &mut length) };
    match Rv::from(answer) {
        // A module that claims to have written more than it was given room for has broken its contract.
        Rv::Ok => usize::try_from(length).ok().filter(|written| *written <= out.len()).ok_or(RvError::GeneralError),
        Rv::Error(code) => Err(code),
    }
}
