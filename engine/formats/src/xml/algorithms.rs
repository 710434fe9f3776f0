//! The identifiers of XML signatures: namespaces, types, and algorithms by their URI (XML-DSig 1.1 section 6, RFC 9231).
//!
//! Knows no suitability: what may be signed with and what is believed is decided elsewhere.

use crate::signature::{HashAlgorithm, Method, Pss};
use model::profile::{CanonicalVersion, Canonicalization};
use model::{DigestAlgorithm, Scheme, SignatureAlgorithm};

/// XML-DSig.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML-DSig 1.1, what it adds.
pub const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";
/// XAdES 1.3.2, which all core properties are in.
pub const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// XAdES 1.4.1: archive time stamps and validation data of time stamps.
pub const XADES_141: &str = "http://uri.etsi.org/01903/v1.4.1#";
/// Exclusive canonicalisation; also the namespace of `InclusiveNamespaces`.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// XPath Filter 2.0; also the namespace of its `XPath`.
pub const FILTER_2: &str = "http://www.w3.org/2002/06/xmldsig-filter2";
/// The XPath 1.0 transform.
pub const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
/// The base64 transform; also the `Encoding` of a `ds:Object`.
pub const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";
/// The transform that leaves out the signature that it is in.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// `Type` of the reference to the signed properties (EN 319 132-1 section 4.4.2).
pub const SIGNED_PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";
/// `Type` of a reference to a `ds:Manifest`.
pub const MANIFEST: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";
/// `Type` of a reference to a `ds:Object`.
pub const OBJECT: &str = "http://www.w3.org/2000/09/xmldsig#Object";

const C14N_1_0: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const C14N_1_1: &str = "http://www.w3.org/2006/12/xml-c14n11";

/// Canonical XML 1.0 without comments: what counts where nothing is named.
pub static DEFAULT_CANONICALIZATION: Canonicalization =
    Canonicalization { version: CanonicalVersion::V1_0, comments: false, inclusive_prefixes: Vec::new() };

/// The URI of a canonicalisation method, without its prefix list.
pub fn canonicalization_uri(method: &Canonicalization) -> &'static str {
    match (method.version, method.comments) {
        (CanonicalVersion::V1_0, false) => C14N_1_0,
        (CanonicalVersion::V1_0, true) => "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        (CanonicalVersion::V1_1, false) => C14N_1_1,
        (CanonicalVersion::V1_1, true) => "http://www.w3.org/2006/12/xml-c14n11#WithComments",
        (CanonicalVersion::Exclusive, false) => EXCLUSIVE,
        (CanonicalVersion::Exclusive, true) => "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    }
}

/// The canonicalisation method with this URI, with an empty prefix list.
pub fn canonicalization_of(uri: &str) -> Option<Canonicalization> {
    let methods = [CanonicalVersion::V1_0, CanonicalVersion::V1_1, CanonicalVersion::Exclusive]
        .into_iter()
        .flat_map(|version| [false, true].map(|comments| (version, comments)));
    methods
        .map(|(version, comments)| Canonicalization { version, comments, inclusive_prefixes: Vec::new() })
        .find(|method| canonicalization_uri(method) == uri)
}

/// The URI of a digest of ours.
pub fn digest_uri(digest: DigestAlgorithm) -> &'static str {
    match digest {
        DigestAlgorithm::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
        DigestAlgorithm::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
        DigestAlgorithm::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
    }
}

/// The digest with this URI.
pub fn hash_of(uri: &str) -> Option<HashAlgorithm> {
    use HashAlgorithm as Hash;
    Some(match uri {
        "http://www.w3.org/2000/09/xmldsig#sha1" => Hash::Sha1,
        "http://www.w3.org/2001/04/xmldsig-more#sha224" => Hash::Sha224,
        "http://www.w3.org/2001/04/xmlenc#sha256" => Hash::Sha256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Hash::Sha384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => Hash::Sha512,
        "http://www.w3.org/2001/04/xmlenc#ripemd160" => Hash::Ripemd160,
        "http://www.w3.org/2007/05/xmldsig-more#sha3-224" => Hash::Sha3Of224,
        "http://www.w3.org/2007/05/xmldsig-more#sha3-256" => Hash::Sha3Of256,
        "http://www.w3.org/2007/05/xmldsig-more#sha3-384" => Hash::Sha3Of384,
        "http://www.w3.org/2007/05/xmldsig-more#sha3-512" => Hash::Sha3Of512,
        _ => return None,
    })
}

/// The URI of a signature algorithm of ours. `None`: there is none for XML, as for ML-DSA.
pub fn signature_uri(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    Some(match (algorithm.scheme, algorithm.digest) {
        (Scheme::RsaPkcs1, Sha256) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        (Scheme::RsaPkcs1, Sha384) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        (Scheme::RsaPkcs1, Sha512) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        (Scheme::RsaPss, Sha256) => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        (Scheme::RsaPss, Sha384) => "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        (Scheme::RsaPss, Sha512) => "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        (Scheme::Ecdsa, Sha256) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        (Scheme::Ecdsa, Sha384) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        (Scheme::Ecdsa, Sha512) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        (Scheme::Ed25519, _) => "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        (Scheme::MlDsa65, _) => return None,
    })
}

/// The signature algorithm with this URI. HMAC is none: whoever can check it can make it.
pub fn method_of(uri: &str) -> Option<Method> {
    use HashAlgorithm as Hash;
    let in_name = |name: &str| {
        Some(match name {
            "sha1" => Hash::Sha1,
            "sha224" => Hash::Sha224,
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            "ripemd160" => Hash::Ripemd160,
            "sha3-224" => Hash::Sha3Of224,
            "sha3-256" => Hash::Sha3Of256,
            "sha3-384" => Hash::Sha3Of384,
            "sha3-512" => Hash::Sha3Of512,
            _ => return None,
        })
    };
    let (space, name) = uri.split_once('#')?;
    match (space, name) {
        ("http://www.w3.org/2000/09/xmldsig", "rsa-sha1") => Some(Method::RsaPkcs1(Hash::Sha1)),
        ("http://www.w3.org/2000/09/xmldsig", "dsa-sha1") => Some(Method::DsaPlain(Hash::Sha1)),
        ("http://www.w3.org/2009/xmldsig11", "dsa-sha256") => Some(Method::DsaPlain(Hash::Sha256)),
        ("http://www.w3.org/2001/04/xmldsig-more", name) => match name.split_once('-')? {
            ("rsa", hash) => in_name(hash).map(Method::RsaPkcs1),
            ("ecdsa", hash) => in_name(hash).map(Method::EcdsaPlain),
            _ => None,
        },
        ("http://www.w3.org/2007/05/xmldsig-more", name) => {
            if name == "ecdsa-ripemd160" {
                return Some(Method::EcdsaPlain(Hash::Ripemd160));
            }
            let hash = in_name(name.strip_suffix("-rsa-MGF1")?)?;
            Some(Method::RsaPss(Pss { hash, mask: hash, salt_length: u16::try_from(hash.length()).ok()? }))
        }
        ("http://www.w3.org/2021/04/xmldsig-more", "eddsa-ed25519") => Some(Method::Ed25519),
        ("http://www.w3.org/2021/04/xmldsig-more", "eddsa-ed448") => Some(Method::Ed448),
        ("http://www.w3.org/2021/04/xmldsig-more", name) => {
            in_name(name.strip_prefix("ecdsa-")?).map(Method::EcdsaPlain)
        }
        _ => None,
    }
}

/// The DER identifier of a named curve in `urn:oid:` form (dsig11:NamedCurve), content only.
pub fn curve_of(uri: &str) -> Option<&'static [u8]> {
    Some(match uri.strip_prefix("urn:oid:")? {
        "1.2.840.10045.3.1.7" => b"\x2a\x86\x48\xce\x3d\x03\x01\x07",
        "1.3.132.0.34" => b"\x2b\x81\x04\x00\x22",
        "1.3.132.0.35" => b"\x2b\x81\x04\x00\x23",
        "1.3.36.3.3.2.8.1.1.7" => b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07",
        "1.3.36.3.3.2.8.1.1.11" => b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for version in [CanonicalVersion::V1_0, CanonicalVersion::V1_1, CanonicalVersion::Exclusive] {
            for comments in [false, true] {
                let method = Canonicalization { version, comments, inclusive_prefixes: Vec::new() };
                assert_eq!(canonicalization_of(canonicalization_uri(&method)), Some(method));
            }
        }
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            assert_eq!(hash_of(digest_uri(digest)), Some(HashAlgorithm::from(digest)));
            for scheme in [Scheme::RsaPkcs1, Scheme::RsaPss, Scheme::Ecdsa] {
                let method = signature_uri(SignatureAlgorithm { scheme, digest }).and_then(method_of);
                assert_eq!(method.and_then(|method| method.hash()), Some(HashAlgorithm::from(digest)));
            }
        }
        assert_eq!(canonicalization_of("http://www.w3.org/2001/10/xml-exc-c14n"), None);
        assert_eq!(method_of("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), None);
    }
}
