//! What went wrong at a token, and the one table from PKCS#11 return codes to it.

use crate::pin::LoginRefused;
use cryptoki::error::{Error, RvError};

/// A signature or query that did not succeed, grouped by what has to happen next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The session or its login is gone; the token may still be there. Open another session, log in again.
    #[error("the session with the token is lost: {0}")]
    SessionLost(String),
    /// The token is not there. Wait for it.
    #[error("the token is not there")]
    Absent,
    /// Token, reader or middleware are in trouble. Try again with a new session, then elsewhere.
    #[error("the token has trouble: {0}")]
    Device(String),
    /// The request itself cannot be fulfilled by this key or token. Trying again cannot help; the session is fine.
    #[error("the token cannot do this: {0}")]
    Request(String),
    /// The login that the signature needed was refused. Only an operator can help.
    #[error("the login for the signature was refused: {0}")]
    LoginRefused(Box<LoginRefused>),
    /// The child process with the module has ended, by itself or by a reset. All its sessions are gone.
    #[error("the process with the token's module has ended: {0}")]
    HostGone(String),
}

impl Fault {
    /// Whether the session that answered this is of no further use.
    pub fn ends_session(&self) -> bool {
        !matches!(self, Fault::Request(_))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(code, function) => fault_of(code, &format!("C_{function:?}")),
            // The module answered something that the binding could not understand.
            Error::TryFromInt(_)
            | Error::TryFromSlice(_)
            | Error::ParseInt(_)
            | Error::Utf8(_)
            | Error::NulError(_)
            | Error::InvalidValue => Fault::Device(format!("the module's answer is malformed: {error}")),
            Error::LibraryLoading(_) | Error::MissingSymbol(_) => Fault::Request(format!("not a module: {error}")),
            Error::NotSupported | Error::NullFunctionPointer | Error::PinNotSet => Fault::Request(error.to_string()),
        }
    }
}

/// What a return code of a call other than `C_Login` means for us. Exhaustive on purpose: a code that a new version of
/// the binding knows must be judged here.
pub(crate) fn fault_of(code: RvError, function: &str) -> Fault {
    let text = format!("{function}: {code:?}");
    match code {
        RvError::SessionClosed
        | RvError::SessionHandleInvalid
        | RvError::UserNotLoggedIn
        | RvError::CryptokiNotInitialized
        | RvError::KeyHandleInvalid
        | RvError::ObjectHandleInvalid
        | RvError::OperationActive
        | RvError::OperationNotInitialized => Fault::SessionLost(text),

        RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::TokenNotRecognized | RvError::SlotIdInvalid => {
            Fault::Absent
        }

        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
            Fault::LoginRefused(Box::new(LoginRefused::Wrong))
        }
        RvError::PinLocked => Fault::LoginRefused(Box::new(LoginRefused::Locked)),
        RvError::PinExpired | RvError::PinTooWeak | RvError::NewPinMode => {
            Fault::LoginRefused(Box::new(LoginRefused::MustChange))
        }
        RvError::UserPinNotInitialized => Fault::LoginRefused(Box::new(LoginRefused::NotInitialised)),
        RvError::FunctionRejected | RvError::FunctionCanceled | RvError::Cancel => {
            Fault::LoginRefused(Box::new(LoginRefused::Cancelled))
        }

        RvError::ActionProhibited
        | RvError::ArgumentsBad
        | RvError::AttributeReadOnly
        | RvError::AttributeSensitive
        | RvError::AttributeTypeInvalid
        | RvError::AttributeValueInvalid
        | RvError::BufferTooSmall
        | RvError::CurveNotSupported
        | RvError::DataInvalid
        | RvError::DataLenRange
        | RvError::DomainParamsInvalid
        | RvError::EncryptedDataInvalid
        | RvError::EncryptedDataLenRange
        | RvError::FunctionNotParallel
        | RvError::FunctionNotSupported
        | RvError::InformationSensitive
        | RvError::KeyChanged
        | RvError::KeyFunctionNotPermitted
        | RvError::KeyIndigestible
        | RvError::KeyNeeded
        | RvError::KeyNotNeeded
        | RvError::KeyNotWrappable
        | RvError::KeySizeRange
        | RvError::KeyTypeInconsistent
        | RvError::KeyUnextractable
        | RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::PublicKeyInvalid
        | RvError::RandomNoRng
        | RvError::RandomSeedNotSupported
        | RvError::SavedStateInvalid
        | RvError::SignatureInvalid
        | RvError::SignatureLenRange
        | RvError::StateUnsaveable
        | RvError::TemplateIncomplete
        | RvError::TemplateInconsistent
        | RvError::TokenWriteProtected
        | RvError::UnwrappingKeyHandleInvalid
        | RvError::UnwrappingKeySizeRange
        | RvError::UnwrappingKeyTypeInconsistent
        | RvError::WrappedKeyInvalid
        | RvError::WrappedKeyLenRange
        | RvError::WrappingKeyHandleInvalid
        | RvError::WrappingKeySizeRange
        | RvError::WrappingKeyTypeInconsistent => Fault::Request(text),

        RvError::CantLock
        | RvError::CryptokiAlreadyInitialized
        | RvError::DeviceError
        | RvError::DeviceMemory
        | RvError::ExceededMaxIterations
        | RvError::FipsSelfTestFailed
        | RvError::FunctionFailed
        | RvError::GeneralError
        | RvError::HostMemory
        | RvError::LibraryLoadFailed
        | RvError::MutexBad
        | RvError::MutexNotLocked
        | RvError::NeedToCreateThreads
        | RvError::NextOtp
        | RvError::NoEvent
        | RvError::SessionCount
        | RvError::SessionExists
        | RvError::SessionParallelNotSupported
        | RvError::SessionReadOnly
        | RvError::SessionReadOnlyExists
        | RvError::SessionReadWriteSoExists
        | RvError::UserAlreadyLoggedIn
        | RvError::UserAnotherAlreadyLoggedIn
        | RvError::UserTooManyTypes
        | RvError::UserTypeInvalid
        | RvError::VendorDefined(_)
        | RvError::UnknownErrorCode(_) => Fault::Device(text),
    }
}
