//! What goes wrong, as callers see it: whose fault it is, a number, a word, a sentence.
//!
//! Says nothing about the inside of the server.

use crate::message::messages;
use model::{Reason, access::Denied};
use std::fmt;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The caller's: the same request will fail again.
    Client,
    /// The server's: the same request may succeed later.
    Server,
}

/// The code in the envelope where it is not simply the client's or the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnvelopeCode {
    /// Client or Server, Sender or Receiver.
    Plain,
    /// A header that has to be understood is not.
    MustUnderstand,
    /// The envelope is of a version that nobody knows.
    VersionMismatch,
    /// One of the names of WS-Security.
    Security(&'static str),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose fault it is.
    pub who: Who,
    /// The number: that of the archive interface where one fits, else one of ours below -1000.
    pub status: i32,
    /// The word for programs.
    pub code: &'static str,
    /// The sentence for people.
    pub sentence: String,
    /// After how many seconds it is worth asking again.
    pub retry_after_seconds: Option<u32>,
    /// Status of the HTTP answer for REST, and for SOAP where no rule fixes it.
    pub http: u16,
    /// The code in the envelope.
    pub envelope: EnvelopeCode,
    /// Names this call in the server's log.
    pub correlation: Option<String>,
}

/// Numbers of the archive interface, and ours.
pub mod status {
    /// Something that should have worked did not.
    pub const METHOD_FAILED: i32 = -3;
    /// Something that the request has to say is missing or wrong.
    pub const MISSING_PARAMETER: i32 = -8;
    /// The caller cancelled it.
    pub const CANCELLED: i32 = -12;
    /// Somebody outside did not answer.
    pub const COMMUNICATION: i32 = -16;
    /// There is no such tenant.
    pub const ORGANISATION_NOT_FOUND: i32 = -19;
    /// No tenant was named.
    pub const ORGANISATION_MISSING: i32 = -20;
    /// Not a certificate.
    pub const CERTIFICATE_UNREADABLE: i32 = -21;
    /// A certificate that is not good enough.
    pub const CERTIFICATE_INVALID: i32 = -22;
    /// Name or password is wrong.
    pub const ACCOUNT_NOT_FOUND: i32 = -23;
    /// The account is locked.
    pub const ACCOUNT_LOCKED: i32 = -24;
    /// No right to do it.
    pub const NO_PERMISSION: i32 = -25;
    /// No token to sign with.
    pub const CARD_REMOVED: i32 = -27;
    /// The server is full.
    pub const BUSY: i32 = -1001;
    /// The server cannot do it, in this installation or at all.
    pub const NOT_AVAILABLE: i32 = -1002;
    /// The message is not what it should be.
    pub const MALFORMED: i32 = -1003;
    /// What the request names is not there.
    pub const NOT_FOUND: i32 = -1004;
    /// It stands against what is there, such as a name that is taken.
    pub const CONFLICT: i32 = -1005;
}

impl Fault {
    /// The caller's fault.
    pub fn client(code: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            who: Who::Client,
            status: status::MISSING_PARAMETER,
            code,
            sentence: sentence.into(),
            retry_after_seconds: None,
            http: 400,
            envelope: EnvelopeCode::Plain,
            correlation: None,
        }
    }

    /// The server's fault.
    pub fn server(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { who: Who::Server, status: status::METHOD_FAILED, http: 500, ..Self::client(code, sentence) }
    }

    /// The message is not what it should be.
    pub fn malformed(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status: status::MALFORMED, ..Self::client(code, sentence) }
    }

    /// The message, or something in it, is larger than it may be.
    pub fn too_large(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { http: 413, ..Self::malformed(code, sentence) }
    }

    /// The server is full; ask again after so many seconds.
    pub fn busy(retry_after_seconds: u32) -> Self {
        Self {
            status: status::BUSY,
            http: 503,
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::server("busy", "the server is busy; try again later")
        }
    }

    /// This installation cannot do it.
    pub fn not_available(what: &str) -> Self {
        Self {
            status: status::NOT_AVAILABLE,
            http: 501,
            ..Self::server("not-available", format!("{what} is not available in this server"))
        }
    }

    /// What the request names is not there, or not for this caller.
    pub fn not_found(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status: status::NOT_FOUND, http: 404, ..Self::client(code, sentence) }
    }

    /// It stands against what is there.
    pub fn conflict(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status: status::CONFLICT, http: 409, ..Self::client(code, sentence) }
    }

    /// The caller has not shown who she is. The same for an unknown name and a wrong password.
    pub fn unauthenticated() -> Self {
        Self {
            status: status::ACCOUNT_NOT_FOUND,
            http: 401,
            envelope: EnvelopeCode::Security("FailedAuthentication"),
            ..Self::client(
                "unauthenticated",
                "who calls is not known: name, password or certificate is missing or wrong",
            )
        }
    }

    /// The caller may not do that.
    pub fn denied(denied: &Denied) -> Self {
        let sentence = denied.to_string();
        Self { status: status::NO_PERMISSION, http: 403, ..Self::client("no-permission", sentence) }
    }

    /// A header that has to be understood is not.
    pub fn must_understand(header: &str) -> Self {
        Self {
            envelope: EnvelopeCode::MustUnderstand,
            http: 500,
            ..Self::malformed("must-understand", format!("the header {header} has to be understood and is not"))
        }
    }

    /// The envelope is of a version that nobody knows.
    pub fn version_mismatch() -> Self {
        Self {
            envelope: EnvelopeCode::VersionMismatch,
            http: 500,
            ..Self::malformed("version-mismatch", "the envelope is neither of SOAP 1.1 nor of SOAP 1.2")
        }
    }

    /// A fault of WS-Security by its name there.
    pub fn security(name: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            envelope: EnvelopeCode::Security(name),
            http: 401,
            status: status::ACCOUNT_NOT_FOUND,
            ..Self::client("security", sentence)
        }
    }

    /// A refusal with the code and sentence of a reason.
    pub fn of_reason(who: Who, reason: Reason) -> Self {
        match who {
            Who::Client => Self { http: 422, ..Self::client(reason.code, reason.sentence) },
            Who::Server => Self::server(reason.code, reason.sentence),
        }
    }

    /// With another number.
    #[must_use]
    pub fn with_status(self, status: i32) -> Self {
        Self { status, ..self }
    }

    /// With another status of the HTTP answer.
    #[must_use]
    pub fn with_http(self, http: u16) -> Self {
        Self { http, ..self }
    }

    /// With the seconds after which it is worth asking again.
    #[must_use]
    pub fn with_retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// With what names this call in the server's log.
    #[must_use]
    pub fn with_correlation(self, correlation: impl Into<String>) -> Self {
        Self { correlation: Some(correlation.into()), ..self }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retry_after_seconds.is_some()
            || (self.who == Who::Server && self.status != status::NOT_AVAILABLE && self.envelope == EnvelopeCode::Plain)
    }

    /// What stands in the detail of the envelope.
    pub fn detail(&self) -> FaultDetail {
        FaultDetail {
            status: i64::from(self.status),
            code: self.code.to_owned(),
            message: self.sentence.clone(),
            correlation_id: self.correlation.clone(),
            retryable: self.is_retryable(),
            retry_after: self.retry_after_seconds.map(i64::from),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.sentence)
    }
}

impl std::error::Error for Fault {}

messages! {
    /// Why there is no answer.
    FaultDetail {
        /// The number of the archive interface where one fits: 0 is never a fault.
        status "Status": one int[-1_000_000, 1_000_000];
        /// The word for programs.
        code "Code": one text[100];
        /// The sentence for people.
        message "Message": one text[10_000];
        /// Names this call in the server's log.
        correlation_id "CorrelationId": maybe text[100];
        /// Whether the same request may succeed later.
        retryable "Retryable": one flag;
        /// After how many seconds.
        retry_after "RetryAfter": maybe int[0, 86_400];
    }
}

/// Name of the element in the detail of a fault.
pub const FAULT_ELEMENT: &str = "SecPKIFault";
