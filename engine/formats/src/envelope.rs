//! Encrypted messages: CMS EnvelopedData (RFC 5652 section 6) and AuthEnvelopedData (RFC 5083), written for recipients'
//! certificates and read for whoever holds one of their keys.
//!
//! Both directions stream: memory does not depend on the length of the content. Content keys, nonces and ephemeral keys
//! are drawn here, from the random generators of the two cryptographic libraries, because an envelope is only as good
//! as they are; private keys never come here (see [`model::decryption`]). What is encrypted is the file as it is
//! (id-data), so that every program gives it back byte for byte.
//!
//! Where things are: `writer.rs` an envelope being written · `recipient.rs` for whom · `reader.rs` an envelope being
//! read, `ber.rs` its outer encoding, `arrival.rs` its recipients · `opening.rs` its content · `cipher.rs` content
//! ciphers · `keys.rs` everything that moves content keys.

mod arrival;
mod ber;
mod cipher;
mod identifiers;
mod keys;
mod opening;
mod reader;
mod recipient;
mod writer;

pub use arrival::{Arrival, RecipientId};
pub use opening::{Opened, Opening};
pub use reader::{Envelope, looks_encrypted};
pub use writer::{Encryptor, Recipients};

use crate::prepare::FormatError;

/// The one answer to every key, padding and tag that is wrong: who tries out changed messages learns nothing from it.
pub(crate) fn not_decrypted() -> FormatError {
    FormatError::document(
        "not-decrypted",
        "the file cannot be decrypted: it was damaged or changed, or it was not encrypted for this key",
    )
}
