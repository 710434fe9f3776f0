//! `level`, `[profile.stamp]` and `[profile.encryption]`.

use super::DigestWord;
use crate::certificates;
use model::profile::{AuthorityName, ContentCipher, EncryptionOptions, Level, RsaKeyTransport, StampOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// `level`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum LevelWord {
    /// The signature alone.
    #[default]
    #[serde(rename = "B-B")]
    B,
    /// With a time stamp.
    #[serde(rename = "B-T")]
    T,
    /// With certificates and revocation material.
    #[serde(rename = "B-LT")]
    Lt,
    /// With an archive time stamp.
    #[serde(rename = "B-LTA")]
    Lta,
}

impl LevelWord {
    /// The level.
    pub fn level(self) -> Level {
        match self {
            LevelWord::B => Level::B,
            LevelWord::T => Level::T,
            LevelWord::Lt => Level::Lt,
            LevelWord::Lta => Level::Lta,
        }
    }
}

/// `[profile.stamp]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampConfig {
    /// In the order in which they are asked.
    pub authorities: Vec<Spanned<String>>,
    /// The digest of the imprint.
    #[serde(default)]
    pub digest: DigestWord,
    /// The policy asked for.
    pub policy: Option<String>,
    /// One time stamp for a whole batch.
    #[serde(default)]
    pub batch: bool,
}

impl StampConfig {
    /// The choices, made.
    pub fn resolve(&self) -> StampOptions {
        StampOptions {
            authorities: self.authorities.iter().map(|name| AuthorityName(name.get_ref().as_str().into())).collect(),
            digest: self.digest.algorithm(),
            policy: self.policy.as_deref().map(Into::into),
            batch: self.batch,
        }
    }
}

/// `[profile.encryption]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncryptionConfig {
    /// PEM or DER files with the recipients' certificates.
    #[serde(default)]
    pub recipients: Vec<PathBuf>,
    /// The cipher of the content.
    #[serde(default)]
    pub cipher: CipherWord,
    /// How RSA recipients get the content key.
    #[serde(default)]
    pub rsa: RsaWord,
}

/// `cipher`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CipherWord {
    /// AES-128-CBC.
    Aes128Cbc,
    /// AES-256-CBC.
    Aes256Cbc,
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-GCM.
    #[default]
    Aes256Gcm,
}

/// `rsa`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RsaWord {
    /// RSAES-OAEP.
    #[default]
    Oaep,
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
}

impl EncryptionConfig {
    /// The choices, made. Reads the certificates. `recipients`: instead of the profile's own, those of a directory.
    pub fn resolve(&self, home: &Path, recipients: Option<&[PathBuf]>) -> Result<EncryptionOptions, String> {
        let mut found = Vec::new();
        for file in recipients.unwrap_or(&self.recipients) {
            found.extend(certificates::from_file(&home.join(file))?);
        }
        if found.is_empty() {
            return Err("there are no recipients to encrypt for".to_owned());
        }
        Ok(EncryptionOptions {
            recipients: found,
            cipher: match self.cipher {
                CipherWord::Aes128Cbc => ContentCipher::Aes128Cbc,
                CipherWord::Aes256Cbc => ContentCipher::Aes256Cbc,
                CipherWord::Aes128Gcm => ContentCipher::Aes128Gcm,
                CipherWord::Aes256Gcm => ContentCipher::Aes256Gcm,
            },
            rsa: match self.rsa {
                RsaWord::Oaep => RsaKeyTransport::Oaep,
                RsaWord::Pkcs1 => RsaKeyTransport::Pkcs1,
            },
        })
    }
}
