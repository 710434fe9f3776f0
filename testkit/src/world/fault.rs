//! The ways in which an authority on the network can go wrong, each with a name that is part of a path.

use std::time::Duration;

/// One way to go wrong. `/tsa/<name>` and `/ocsp/<name>` always do; any path can be told to for its next requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The connection is closed in place of an answer.
    Drop,
    /// The right answer, but only after 30 seconds.
    Slow,
    /// The right answer after this many milliseconds; has no path.
    Late(u64),
    /// The right answer, one byte in a second.
    Drip,
    /// An answer that never ends.
    Endless,
    /// The right answer, cut in the middle of its announced length.
    Short,
    /// HTTP 429 with `Retry-After: 1`.
    Http429,
    /// HTTP 500.
    Http500,
    /// HTTP 401.
    Http401,
    /// HTTP 404.
    Http404,
    /// HTTP 302 to itself.
    Redirect,
    /// 200 with bytes that are no DER.
    Garbage,
    /// 200 with nothing.
    Empty,
    /// The right answer, called `text/html`.
    WrongType,
    /// TSA: status 2 with `systemFailure`. OCSP: `tryLater`.
    Rejection,
    /// TSA: status 3 (waiting). OCSP: `internalError`.
    Waiting,
    /// Another nonce than asked.
    WrongNonce,
    /// No nonce although asked.
    NoNonce,
    /// A signature value with a bit turned.
    BadSignature,
    /// From ten days ago. OCSP: its `nextUpdate` is past.
    OldTime,
    /// From an hour ahead.
    FutureTime,
    /// TSA: the imprint of something else. OCSP: about another certificate.
    WrongImprint,
    /// TSA: the certificate has expired.
    ExpiredCertificate,
    /// TSA: the certificate has been revoked.
    RevokedCertificate,
    /// TSA: the extended key usage is not time stamping. OCSP: a responder's certificate that is none.
    WrongEku,
    /// TSA: a certificate of a stranger's authority. OCSP: the same.
    Stranger,
    /// TSA: a policy that was not asked for.
    WrongPolicy,
    /// TSA: no certificate in the token although asked.
    NoCertificate,
    /// TSA: the signing-certificate attribute is of another certificate.
    WrongEss,
    /// TSA: a token in BER, with indefinite lengths.
    NotDer,
    /// OCSP: it does not know the certificate.
    Unknown,
    /// OCSP: status `unauthorized`.
    Unauthorized,
}

impl Fault {
    /// All that have a path.
    pub const ALL: [Fault; 31] = [
        Fault::Drop,
        Fault::Slow,
        Fault::Drip,
        Fault::Endless,
        Fault::Short,
        Fault::Http429,
        Fault::Http500,
        Fault::Http401,
        Fault::Http404,
        Fault::Redirect,
        Fault::Garbage,
        Fault::Empty,
        Fault::WrongType,
        Fault::Rejection,
        Fault::Waiting,
        Fault::WrongNonce,
        Fault::NoNonce,
        Fault::BadSignature,
        Fault::OldTime,
        Fault::FutureTime,
        Fault::WrongImprint,
        Fault::ExpiredCertificate,
        Fault::RevokedCertificate,
        Fault::WrongEku,
        Fault::Stranger,
        Fault::WrongPolicy,
        Fault::NoCertificate,
        Fault::WrongEss,
        Fault::NotDer,
        Fault::Unknown,
        Fault::Unauthorized,
    ];

    /// Those of a TSA whose answer must never be taken. `RevokedCertificate` is found only by asking for its state, and
    /// `WrongType` is an answer that may be taken: neither is here, nor those that wait.
    pub const TSA_REFUSED: [Fault; 24] = [
        Fault::Drop,
        Fault::Endless,
        Fault::Short,
        Fault::Http429,
        Fault::Http500,
        Fault::Http401,
        Fault::Http404,
        Fault::Redirect,
        Fault::Garbage,
        Fault::Empty,
        Fault::Rejection,
        Fault::Waiting,
        Fault::WrongNonce,
        Fault::NoNonce,
        Fault::BadSignature,
        Fault::OldTime,
        Fault::FutureTime,
        Fault::WrongImprint,
        Fault::ExpiredCertificate,
        Fault::WrongEku,
        Fault::Stranger,
        Fault::NoCertificate,
        Fault::WrongEss,
        Fault::NotDer,
    ];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Drop => "drop",
            Fault::Slow => "slow",
            Fault::Late(_) => "late",
            Fault::Drip => "drip",
            Fault::Endless => "endless",
            Fault::Short => "short",
            Fault::Http429 => "http-429",
            Fault::Http500 => "http-500",
            Fault::Http401 => "http-401",
            Fault::Http404 => "http-404",
            Fault::Redirect => "redirect",
            Fault::Garbage => "garbage",
            Fault::Empty => "empty",
            Fault::WrongType => "wrong-type",
            Fault::Rejection => "rejection",
            Fault::Waiting => "waiting",
            Fault::WrongNonce => "wrong-nonce",
            Fault::NoNonce => "no-nonce",
            Fault::BadSignature => "bad-signature",
            Fault::OldTime => "old-time",
            Fault::FutureTime => "future-time",
            Fault::WrongImprint => "wrong-imprint",
            Fault::ExpiredCertificate => "expired-certificate",
            Fault::RevokedCertificate => "revoked-certificate",
            Fault::WrongEku => "wrong-eku",
            Fault::Stranger => "stranger",
            Fault::WrongPolicy => "wrong-policy",
            Fault::NoCertificate => "no-certificate",
            Fault::WrongEss => "wrong-ess",
            Fault::NotDer => "not-der",
            Fault::Unknown => "unknown",
            Fault::Unauthorized => "unauthorized",
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// How long its answer waits.
    pub(super) fn delay(self) -> Duration {
        match self {
            Fault::Slow => Duration::from_secs(30),
            Fault::Late(millis) => Duration::from_millis(millis),
            _ => Duration::ZERO,
        }
    }
}
