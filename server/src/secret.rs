//! Passwords and PINs from where an operator may put them: a file or the environment, never the configuration itself.

use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

/// The first line of a file, without its line end.
pub fn from_file(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the secret in {} cannot be read: {error}", path.display()))?;
    let text = SecretString::from(text);
    let line = text.expose_secret().lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(format!("the first line of {} is empty", path.display()));
    }
    Ok(SecretString::from(line.to_owned()))
}

/// The value of an environment variable.
pub fn from_environment(variable: &str) -> Result<SecretString, String> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => Err(format!("the environment variable {variable} is not set")),
    }
}

/// The secret itself, for the one call that needs it.
pub fn expose(secret: &SecretString) -> &str {
    secret.expose_secret()
}
