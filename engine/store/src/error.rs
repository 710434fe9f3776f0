//! What can go wrong with a store, grouped by who is at fault, and the one place that maps the two databases' errors.

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

/// Why a store could not do what it was asked. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is busy, full or not reachable. Trying again later can help; whether the last write took place is
    /// not known, and every write but a deferral's audit entry may be repeated.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database is damaged, altered by hand, or holds what this version did not write.
    #[error("the database is damaged or not as expected: {0}")]
    Corrupt(String),
    /// The operator has to change something: path, permissions, address, password, version.
    #[error("the database cannot be used: {0}")]
    Config(String),
    /// The caller handed over something that cannot be stored.
    #[error("cannot be stored: {0}")]
    Invalid(String),
}

impl StoreError {
    /// Whether trying the same again later can help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::SchemaChanged,
            ) => StoreError::Unavailable(text),
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::AuthorizationForStatementDenied
                | ErrorCode::NotADatabase,
            ) => StoreError::Config(text),
            Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation) => StoreError::Invalid(text),
            _ => StoreError::Corrupt(text),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else { return without_answer(&error) };
        let text = format!("{} ({})", database.message(), database.code().code());
        let code = database.code();
        let class = code.code().get(..2).unwrap_or_default();
        match class {
            // Connection, transaction rollback, resources, lock, operator intervention.
            "08" | "40" | "53" | "55" | "57" => StoreError::Unavailable(text),
            // A standby that has not taken over yet.
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::Unavailable(text),
            "28" | "3D" | "3F" => StoreError::Config(text),
            _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => StoreError::Config(text),
            "22" | "23" | "54" => StoreError::Invalid(text),
            _ => StoreError::Corrupt(text),
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            other => StoreError::Unavailable(other.to_string()),
        }
    }
}

impl From<refinery::Error> for StoreError {
    fn from(error: refinery::Error) -> Self {
        use refinery::error::Kind;
        match error.kind() {
            Kind::MissingVersion(_) | Kind::DivergentVersion(..) => {
                StoreError::Config(format!("it was made by another version of sealmill: {error}"))
            }
            Kind::Connection(_, source) => match source.downcast_ref::<tokio_postgres::Error>() {
                Some(source) if source.as_db_error().is_none() => without_answer(source),
                _ => StoreError::Config(with_sources(&error)),
            },
            _ => StoreError::Config(with_sources(&error)),
        }
    }
}

/// An error that the server did not send. tokio-postgres tells its kinds apart only by their texts; whatever is not known
/// to be somebody's fault is a matter of the connection, and trying again can help.
fn without_answer(error: &tokio_postgres::Error) -> StoreError {
    let (kind, text) = (error.to_string(), with_sources(error));
    let is = |texts: &[&str]| texts.iter().any(|text| kind.starts_with(text));
    if is(&["error performing TLS", "authentication error", "invalid configuration", "invalid connection string"]) {
        StoreError::Config(text)
    } else if is(&["error serializing", "expected "]) {
        StoreError::Invalid(text)
    } else if is(&["error deserializing", "invalid column"]) {
        StoreError::Corrupt(text)
    } else {
        StoreError::Unavailable(text)
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
