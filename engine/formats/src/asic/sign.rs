//! Making containers: hashes the documents, signs in CAdES or XAdES, lays out the ZIP file.

use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::Source;
use model::profile::{Container, ContainerSignature, Profile};
use model::{SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};

/// All constant parts of the containers of one signer under one profile.
#[derive(Clone, Debug)]
pub struct Template {}

impl Template {
    /// Lays them out.
    pub fn new(
        _signer: &Signer,
        _algorithm: SignatureAlgorithm,
        _profile: &Profile,
        _container: Container,
        _signature: ContainerSignature,
    ) -> Result<Self, FormatError> {
        Err(FormatError::setup("not-available", "containers cannot be made yet"))
    }
}

/// Reads the documents and works out what has to be signed.
pub fn prepare(
    _source: &dyn Source,
    _profile: &Profile,
    _template: &Template,
    _now: Time,
) -> Result<Pending, FormatError> {
    Err(FormatError::setup("not-available", "containers cannot be made yet"))
}

/// A container that waits for its signature value.
#[derive(Debug)]
pub struct Pending {
    to_be_signed: ToBeSigned,
}

impl Pending {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        &self.to_be_signed
    }

    /// Makes sure that the value was made with the private key that belongs to the certificate, over these bytes.
    pub fn check(&self, _value: &SignatureValue) -> Result<(), FormatError> {
        Err(FormatError::setup("not-available", "containers cannot be made yet"))
    }

    /// The result, as a recipe over the documents.
    pub fn finish(self, _value: &SignatureValue) -> Result<Vec<Part>, FormatError> {
        Err(FormatError::setup("not-available", "containers cannot be made yet"))
    }
}
