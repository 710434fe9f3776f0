//! Making XML signatures: the constant parts of one signer's signatures, and one signature that waits for its value.

use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::Source;
use model::profile::{Profile, XmlShape};
use model::{SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};

/// All constant parts of the signatures of one signer under one profile.
#[derive(Clone, Debug)]
pub struct Template {}

impl Template {
    /// Lays them out. `xades`: with the qualifying properties of XAdES.
    pub fn new(
        _signer: &Signer,
        _algorithm: SignatureAlgorithm,
        _profile: &Profile,
        _xades: bool,
    ) -> Result<Self, FormatError> {
        Err(FormatError::setup("not-available", "XML signatures cannot be made yet"))
    }
}

/// Reads the document and works out what has to be signed.
pub fn prepare(
    _source: &dyn Source,
    _profile: &Profile,
    _template: &Template,
    _shape: XmlShape,
    _now: Time,
) -> Result<Pending, FormatError> {
    Err(FormatError::setup("not-available", "XML signatures cannot be made yet"))
}

/// A signature that waits for its value.
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
        Err(FormatError::setup("not-available", "XML signatures cannot be made yet"))
    }

    /// The result, as a recipe over the document.
    pub fn finish(self, _value: &SignatureValue) -> Result<Vec<Part>, FormatError> {
        Err(FormatError::setup("not-available", "XML signatures cannot be made yet"))
    }
}
