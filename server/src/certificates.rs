//! Certificates from files: PEM with any number of them, or DER with one.

use std::path::Path;
use std::sync::Arc;

/// Certificates of a PEM file, or the one of a DER file. Never empty.
pub fn from_file(path: &Path) -> Result<Vec<Arc<[u8]>>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let parsed = openssl::x509::X509::stack_from_pem(&bytes)
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .or_else(|| openssl::x509::X509::from_der(&bytes).ok().map(|certificate| vec![certificate]))
        .ok_or_else(|| format!("{} holds no certificate", path.display()))?;
    parsed.iter().map(|certificate| certificate.to_der().map(Arc::from).map_err(|error| error.to_string())).collect()
}
