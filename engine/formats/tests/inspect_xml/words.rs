//! What the signer said, in every version of XAdES.

use crate::support::{signatures, whole, wrong};
use formats::signature::HashAlgorithm;
use model::Time;

/// Properties that were exchanged are not right any more, but they are read all the same.
fn with_properties(space: &str, about_signature: &str, about_data: &str) -> formats::inspect::Signature {
    let file = whole();
    let start = file.find("<xades:SignedSignatureProperties>").unwrap();
    let end = file.find("</xades:SignedProperties>").unwrap();
    let properties = format!(
        "<xades:SignedSignatureProperties>{about_signature}</xades:SignedSignatureProperties>\
         <xades:SignedDataObjectProperties>{about_data}</xades:SignedDataObjectProperties>"
    );
    let file = [&file[..start], &properties, &file[end..]].concat();
    signatures(&file.replace("http://uri.etsi.org/01903/v1.3.2#", space)).remove(0)
}

#[test]
fn attributes_are_read_in_all_versions() {
    for version in ["v1.1.1", "v1.2.2", "v1.3.2"] {
        let signature = with_properties(
            &format!("http://uri.etsi.org/01903/{version}#"),
            "<xades:SigningTime>2025-11-23T14:01:01+01:00</xades:SigningTime>\
             <xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId><xades:Identifier \
             Qualifier=\"OIDAsURN\">urn:oid:1.2.3.4</xades:Identifier></xades:SigPolicyId><xades:SigPolicyHash>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"/><ds:DigestValue>AAEC</ds:DigestValue>\
             </xades:SigPolicyHash><xades:SigPolicyQualifiers><xades:SigPolicyQualifier><xades:SPURI>http://example.com/p\
             </xades:SPURI></xades:SigPolicyQualifier></xades:SigPolicyQualifiers></xades:SignaturePolicyId>\
             </xades:SignaturePolicyIdentifier><xades:SignatureProductionPlace><xades:City>Köln</xades:City>\
             <xades:CountryName>DE</xades:CountryName></xades:SignatureProductionPlace><xades:SignerRole>\
             <xades:ClaimedRoles><xades:ClaimedRole>clerk</xades:ClaimedRole><xades:ClaimedRole> head </xades:ClaimedRole>\
             </xades:ClaimedRoles></xades:SignerRole>",
            "<xades:DataObjectFormat ObjectReference=\"#r\"><xades:MimeType>text/xml</xades:MimeType>\
             </xades:DataObjectFormat><xades:CommitmentTypeIndication><xades:CommitmentTypeId><xades:Identifier>\
             http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin</xades:Identifier></xades:CommitmentTypeId>\
             <xades:AllSignedDataObjects/></xades:CommitmentTypeIndication>",
        );
        let said = &signature.attributes;
        assert_eq!(said.signing_time, Some(Time::from_seconds(1_763_902_861)), "{version}: {:?}", wrong(&signature));
        let policy = said.policy.as_ref().unwrap();
        assert_eq!(policy.identifier, "1.2.3.4");
        assert_eq!(policy.digest, Some((HashAlgorithm::Sha1, vec![0, 1, 2])));
        assert_eq!(policy.uri.as_deref(), Some("http://example.com/p"));
        assert_eq!(said.place.as_deref(), Some("Köln, DE"));
        assert_eq!(said.roles, ["clerk", "head"]);
        assert_eq!(said.content_type.as_deref(), Some("text/xml"));
        assert_eq!(said.commitments, ["http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin"]);
        assert_eq!(wrong(&signature), ["changed: the signed properties"]);
    }
}

#[test]
fn newer_properties_and_an_implied_policy_are_read_and_odd_ones_noted() {
    let signature = with_properties(
        "http://uri.etsi.org/01903/v1.3.2#",
        "<xades:SigningTime>yesterday</xades:SigningTime><xades:SignaturePolicyIdentifier><xades:SignaturePolicyImplied/>\
         </xades:SignaturePolicyIdentifier><xades:SignatureProductionPlaceV2><xades:City>Bonn</xades:City>\
         <xades:StreetAddress>Weg 1</xades:StreetAddress></xades:SignatureProductionPlaceV2><xades:SignerRoleV2>\
         <xades:ClaimedRoles><xades:ClaimedRole>notary</xades:ClaimedRole></xades:ClaimedRoles></xades:SignerRoleV2>",
        "<xades:DataObjectFormat><xades:MimeType>application/pdf</xades:MimeType></xades:DataObjectFormat>",
    );
    assert_eq!(signature.attributes.signing_time, None);
    assert_eq!(signature.attributes.policy.as_ref().map(|policy| policy.identifier.as_str()), Some(""));
    assert_eq!(signature.attributes.place.as_deref(), Some("Bonn, Weg 1"));
    assert_eq!(signature.attributes.roles, ["notary"]);
    let notes: Vec<_> = signature.notes.iter().map(|note| note.code).collect();
    assert_eq!(notes, ["signing-time", "data-object-format"]);
}
