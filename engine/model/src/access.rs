//! Who may do what: users, groups, functions, rights, and the one question that every door asks before it works.
//!
//! Pure rules. How a caller proves who she is, and where rights are kept, is not known here.

use crate::tenant::TenantId;
use std::fmt;
use std::sync::Arc;

/// Name of a user within its tenant: 1 to 128 characters without control characters and colons (HTTP Basic cannot carry
/// a colon in a name, RFC 7617 section 2). Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(Arc<str>);

/// Name of a group within its tenant, by the same rule as that of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(Arc<str>);

/// A user's or group's name is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name of a user or group has 1 to 128 characters, no control character, no colon and no blank at its ends")]
pub struct BadName;

fn checked(name: &str) -> Result<Arc<str>, BadName> {
    let count = name.chars().count();
    let fits = (1..=NAME_CHARS_MAX).contains(&count)
        && name.trim() == name
        && !name.chars().any(|c| c.is_control() || c == ':');
    if fits { Ok(name.into()) } else { Err(BadName) }
}

const NAME_CHARS_MAX: usize = 128;

impl UserName {
    /// Checks and wraps a name.
    pub fn new(name: &str) -> Result<Self, BadName> {
        checked(name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GroupName {
    /// Checks and wraps a name.
    pub fn new(name: &str) -> Result<Self, BadName> {
        checked(name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a right is about, if it is about one thing and not about the tenant as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A profile.
    Profile,
    /// A signer that a caller names.
    Signer,
    /// A watched directory.
    Directory,
    /// An archive.
    Archive,
}

/// A function that a right permits. Every operation of every door needs at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// Sign documents with a profile, in calls and in submitted batches.
    Sign,
    /// Sign a digest whose document sealmill never sees.
    SignHash,
    /// Choose a signer oneself instead of taking any of the profile's pool.
    UseSigner,
    /// Judge signatures.
    Verify,
    /// Lift signatures to a higher level.
    Extend,
    /// Have time stamps made.
    Timestamp,
    /// Encrypt for recipients.
    Encrypt,
    /// Open what was encrypted for a key of this server.
    Decrypt,
    /// See profiles, signers and their states.
    Look,
    /// See tokens, queues and rates.
    PoolView,
    /// Change the number of sessions, weights and caps while the server runs.
    PoolTune,
    /// See and steer watched directories.
    Directories,
    /// Put documents into an archive.
    ArchiveSubmit,
    /// Get documents and evidence out of an archive.
    ArchiveRetrieve,
    /// Search an archive.
    ArchiveSearch,
    /// See users, groups and rights.
    UsersView,
    /// Make and change users, groups and rights.
    Users,
    /// Register a certificate for oneself.
    RegisterCertificate,
    /// Confirm what another user has asked for and four eyes are demanded for.
    Approve,
    /// Open log-in sessions for other users, as a portal does for its visitors.
    OpenSessions,
    /// Confirm the log-in sessions of other users.
    ConfirmSessions,
    /// Read the audit log.
    Audit,
}

impl Function {
    /// All functions, for tables and tests.
    pub const ALL: [Function; 22] = [
        Function::Sign,
        Function::SignHash,
        Function::UseSigner,
        Function::Verify,
        Function::Extend,
        Function::Timestamp,
        Function::Encrypt,
        Function::Decrypt,
        Function::Look,
        Function::PoolView,
        Function::PoolTune,
        Function::Directories,
        Function::ArchiveSubmit,
        Function::ArchiveRetrieve,
        Function::ArchiveSearch,
        Function::UsersView,
        Function::Users,
        Function::RegisterCertificate,
        Function::Approve,
        Function::OpenSessions,
        Function::ConfirmSessions,
        Function::Audit,
    ];

    /// The word in role files, on the command line, in the store and in the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Function::Sign => "sign",
            Function::SignHash => "sign-hash",
            Function::UseSigner => "use-signer",
            Function::Verify => "verify",
            Function::Extend => "extend",
            Function::Timestamp => "timestamp",
            Function::Encrypt => "encrypt",
            Function::Decrypt => "decrypt",
            Function::Look => "look",
            Function::PoolView => "pool-view",
            Function::PoolTune => "pool-tune",
            Function::Directories => "directories",
            Function::ArchiveSubmit => "archive-submit",
            Function::ArchiveRetrieve => "archive-retrieve",
            Function::ArchiveSearch => "archive-search",
            Function::UsersView => "users-view",
            Function::Users => "users",
            Function::RegisterCertificate => "register-certificate",
            Function::Approve => "approve",
            Function::OpenSessions => "open-sessions",
            Function::ConfirmSessions => "confirm-sessions",
            Function::Audit => "audit",
        }
    }

    /// The function of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.word() == word)
    }

    /// What a right to this function may be narrowed to.
    pub fn object(self) -> Option<ObjectKind> {
        match self {
            Function::Sign
            | Function::SignHash
            | Function::Extend
            | Function::Timestamp
            | Function::Encrypt
            | Function::Decrypt => Some(ObjectKind::Profile),
            Function::UseSigner => Some(ObjectKind::Signer),
            Function::Directories => Some(ObjectKind::Directory),
            Function::ArchiveSubmit | Function::ArchiveRetrieve | Function::ArchiveSearch => Some(ObjectKind::Archive),
            Function::Verify
            | Function::Look
            | Function::PoolView
            | Function::PoolTune
            | Function::UsersView
            | Function::Users
            | Function::RegisterCertificate
            | Function::Approve
            | Function::OpenSessions
            | Function::ConfirmSessions
            | Function::Audit => None,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The right to a function, for all of its objects or for one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// What may be done.
    pub function: Function,
    /// With which object, by name. `None`: with all of this tenant.
    pub object: Option<Arc<str>>,
}

impl Right {
    /// Whether this right permits the function with this object.
    pub fn permits(&self, function: Function, object: Option<&str>) -> bool {
        self.function == function && (self.object.is_none() || self.object.as_deref() == object)
    }
}

/// A right's text is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no right: it is a function like \"sign\", or a function and one object like \"sign:invoices\"")]
pub struct BadRight(pub String);

impl std::str::FromStr for Right {
    type Err = BadRight;

    /// A function's word, or that and the object behind a colon.
    fn from_str(text: &str) -> Result<Self, BadRight> {
        let bad = || BadRight(text.to_owned());
        let (word, object) = text.split_once(':').map_or((text, None), |(word, object)| (word, Some(object)));
        let function = Function::from_word(word).ok_or_else(bad)?;
        let fits =
            |object: &str| function.object().is_some() && !object.is_empty() && !object.chars().any(char::is_control);
        match object {
            Some(object) if !fits(object) => Err(bad()),
            object => Ok(Right { function, object: object.map(Into::into) }),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "{}:{object}", self.function),
            None => self.function.fmt(f),
        }
    }
}

/// How a caller has shown who she is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// TLS client certificate.
    Certificate,
    /// Name and password (HTTP Basic or WS-Security UsernameToken).
    Password,
    /// The command line of the server's own machine.
    Local,
}

impl Authentication {
    /// The word in the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Authentication::Certificate => "certificate",
            Authentication::Password => "password",
            Authentication::Local => "local",
        }
    }
}

/// A user who has shown who she is, with all rights of her groups. Made by whoever checks credentials, and only there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant. Everything that she sees and does is within it.
    pub tenant: TenantId,
    /// Her name.
    pub user: UserName,
    /// How she has shown it.
    pub authentication: Authentication,
    /// What she may do.
    pub rights: Arc<[Right]>,
}

/// A caller may not do what she asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No right permits it.
    #[error("user {user} has no right to {right}")]
    NoRight {
        /// Who asked.
        user: UserName,
        /// For what.
        right: Right,
    },
}

impl Caller {
    /// Whether she may use the function with the object (`None`: with something that belongs to no object, or with all of
    /// them). The only way to ask.
    pub fn may(&self, function: Function, object: Option<&str>) -> Result<(), Denied> {
        if self.rights.iter().any(|right| right.permits(function, object)) {
            return Ok(());
        }
        let right = Right { function, object: object.map(Into::into) };
        Err(Denied::NoRight { user: self.user.clone(), right })
    }

    /// Who she is, as the audit log and doors write it.
    pub fn who(&self) -> String {
        match self.authentication {
            Authentication::Local => format!("cli:{}", self.user),
            Authentication::Certificate | Authentication::Password => format!("user:{}", self.user),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn caller(rights: &[(Function, Option<&str>)]) -> Caller {
        let rights: Vec<Right> = rights
            .iter()
            .map(|(function, object)| Right { function: *function, object: object.map(Into::into) })
            .collect();
        Caller {
            tenant: TenantId::new("acme").unwrap(),
            user: UserName::new("erp").unwrap(),
            authentication: Authentication::Password,
            rights: rights.into(),
        }
    }

    #[test]
    fn nothing_is_allowed_that_no_right_grants() {
        let nobody = caller(&[]);
        for function in Function::ALL {
            assert!(nobody.may(function, None).is_err(), "{function}");
            assert!(nobody.may(function, Some("x")).is_err(), "{function}");
        }
        for granted in Function::ALL {
            let one = caller(&[(granted, None)]);
            for function in Function::ALL {
                assert_eq!(one.may(function, Some("x")).is_ok(), function == granted, "{granted} {function}");
            }
        }
    }

    #[test]
    fn a_right_to_one_object_is_no_right_to_another_or_to_all() {
        let one = caller(&[(Function::Sign, Some("invoices"))]);
        assert!(one.may(Function::Sign, Some("invoices")).is_ok());
        assert!(one.may(Function::Sign, Some("Invoices")).is_err());
        assert!(one.may(Function::Sign, None).is_err());
        assert!(one.may(Function::SignHash, Some("invoices")).is_err());
    }

    #[test]
    fn words_lead_back_to_their_functions() {
        for function in Function::ALL {
            assert_eq!(Function::from_word(function.word()), Some(function));
        }
        assert_eq!(Function::from_word("everything"), None);
    }

    #[test]
    fn rights_are_written_as_they_are_read() {
        for good in ["sign", "sign:invoices", "directories:a:b", "users"] {
            assert_eq!(good.parse::<Right>().map(|right| right.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "fly", "sign:", "users:erp", "Sign", "sign:a\nb", ":x"] {
            assert!(bad.parse::<Right>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_what_basic_authentication_can_carry() {
        for good in ["erp", "Müller, Ilse", "a@b", &"x".repeat(128)] {
            assert!(UserName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a:b", "a\nb", " a", "a ", &"x".repeat(129)] {
            assert!(UserName::new(bad).is_err(), "{bad}");
        }
    }
}
