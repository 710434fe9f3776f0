//! What the signer said in the signed properties of XAdES: time, policy, commitments, place, roles, types of data.

use super::anatomy::Properties;
use super::shown;
use crate::inspect::{Attributes, PolicyReference};
use crate::signature::HashAlgorithm;
use crate::xml::algorithms::{DS, hash_of};
use crate::xml::signature::{children, octets};
use crate::xml::tree::{Document, NodeId};
use model::limits::XML_ATTRIBUTE_VALUES_MAX;
use model::{Reason, Time};
use std::time::Duration;

/// Reads them; what cannot be read goes to the notes.
pub(super) fn read(document: &Document<'_>, properties: Properties, notes: &mut Vec<Reason>) -> Attributes {
    let reader = Properly { document, space: properties.namespace };
    let mut found = Attributes::default();
    let Some(signed) = properties.signed else { return found };
    for about in reader.all(signed, "SignedSignatureProperties") {
        if let Some(time) = reader.text_of(about, "SigningTime") {
            found.signing_time = date_time(time.trim());
            if found.signing_time.is_none() {
                let sentence = format!("the signing time \"{}\" is none", shown(time.trim()));
                notes.push(Reason::new("signing-time", sentence));
            }
        }
        if let Some(identifier) = reader.one(about, "SignaturePolicyIdentifier") {
            found.policy = Some(reader.policy(identifier));
        }
        for local in ["SignatureProductionPlaceV2", "SignatureProductionPlace"] {
            let Some(place) = reader.one(about, local).filter(|_| found.place.is_none()) else { continue };
            let parts = document.child_elements(place).map(|part| shown(document.string_value(part).trim()));
            let parts: Vec<_> = parts.filter(|part| !part.is_empty()).take(XML_ATTRIBUTE_VALUES_MAX).collect();
            found.place = (!parts.is_empty()).then(|| parts.join(", "));
        }
        for local in ["SignerRoleV2", "SignerRole"] {
            let roles = reader.all(about, local).flat_map(|role| reader.all(role, "ClaimedRoles"));
            let roles = roles.flat_map(|roles| reader.all(roles, "ClaimedRole"));
            let roles = roles.map(|role| shown(document.string_value(role).trim()));
            found.roles.extend(roles.filter(|role| !role.is_empty()).take(XML_ATTRIBUTE_VALUES_MAX));
        }
    }
    let mut types: Vec<String> = Vec::new();
    for about in reader.all(signed, "SignedDataObjectProperties") {
        for commitment in reader.all(about, "CommitmentTypeIndication").take(XML_ATTRIBUTE_VALUES_MAX) {
            let identifier = reader.one(commitment, "CommitmentTypeId").map(|id| reader.identifier(id));
            found.commitments.extend(identifier.filter(|identifier| !identifier.is_empty()));
        }
        for format in reader.all(about, "DataObjectFormat").take(XML_ATTRIBUTE_VALUES_MAX) {
            let mime_type = reader.text_of(format, "MimeType").map(|text| shown(text.trim()));
            types.extend(mime_type.filter(|mime_type| !mime_type.is_empty() && !types.contains(mime_type)));
            if document.attribute(format, "", "ObjectReference").is_none() {
                let sentence = "a description of signed data does not say which data it is about";
                notes.push(Reason::new("data-object-format", sentence));
            }
        }
    }
    found.content_type = (!types.is_empty()).then(|| types.join(", "));
    found
}

struct Properly<'d> {
    document: &'d Document<'d>,
    space: &'static str,
}

impl<'d> Properly<'d> {
    fn all(&self, parent: NodeId, local: &'static str) -> impl Iterator<Item = NodeId> + use<'d> {
        children(self.document, parent, self.space, local)
    }

    fn one(&self, parent: NodeId, local: &'static str) -> Option<NodeId> {
        self.all(parent, local).next()
    }

    fn text_of(&self, parent: NodeId, local: &'static str) -> Option<String> {
        self.one(parent, local).map(|node| self.document.string_value(node).into_owned())
    }

    /// `ObjectIdentifierType`: a URI, or an object identifier as one.
    fn identifier(&self, node: NodeId) -> String {
        let text = self.text_of(node, "Identifier").unwrap_or_default();
        let text = text.trim();
        let dotted = text.get(..8).filter(|start| start.eq_ignore_ascii_case("urn:oid:")).and_then(|_| text.get(8..));
        shown(dotted.unwrap_or(text).trim())
    }

    fn policy(&self, identifier: NodeId) -> PolicyReference {
        let mut policy = PolicyReference::default();
        let Some(id) = self.one(identifier, "SignaturePolicyId") else { return policy };
        policy.identifier = self.one(id, "SigPolicyId").map(|id| self.identifier(id)).unwrap_or_default();
        policy.digest = self.one(id, "SigPolicyHash").and_then(|hash| self.digest(hash));
        let qualifiers = self.all(id, "SigPolicyQualifiers").flat_map(|list| self.all(list, "SigPolicyQualifier"));
        policy.uri = qualifiers.filter_map(|one| self.text_of(one, "SPURI")).map(|uri| shown(uri.trim())).next();
        policy
    }

    fn digest(&self, parent: NodeId) -> Option<(HashAlgorithm, Vec<u8>)> {
        let part =
            |local: &'static str| self.document.child_named(parent, DS, local).or_else(|| self.one(parent, local));
        let hash = self.document.attribute(part("DigestMethod")?, "", "Algorithm").and_then(hash_of)?;
        Some((hash, octets(self.document, part("DigestValue")?).ok()?))
    }
}

/// An `xs:dateTime`; UTC if it names no zone.
fn date_time(text: &str) -> Option<Time> {
    let (date, time) = text.split_once('T')?;
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u16>().ok())?
    };
    let small = |text: &str| number(text, 2).and_then(|number| u8::try_from(number).ok());
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, small(date.next()?)?, small(date.next()?)?);
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.split(':');
    let (hour, minute, second) = (small(clock.next()?)?, small(clock.next()?)?, small(clock.next()?)?);
    if date.next().is_some() || clock.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let offset = match zone.split_at_checked(1) {
        None | Some(("Z", "")) => 0,
        Some((sign, zone)) => {
            let (hours, minutes) = zone.split_once(':')?;
            let minutes = i64::from(small(hours)?) * 60 + i64::from(small(minutes)?);
            if minutes > 14 * 60 {
                return None;
            }
            if sign == "-" { -minutes } else { minutes }
        }
    };
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    // The end of a day may be written as hour 24.
    let (hour, add) = if (hour, minute, second) == (24, 0, 0) { (0, 86_400) } else { (hour, 0) };
    let local = Time::from_civil(i32::from(year), month, day, hour, minute, second)?;
    let moved = Time::from_seconds(local.seconds() + add - offset * 60);
    Some(moved.plus(Duration::from_micros(micros.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_zone_and_fraction() {
        let second = Time::from_seconds(1_763_902_861);
        for same in [
            "2025-11-23T13:01:01Z",
            "2025-11-23T13:01:01",
            "2025-11-23T14:01:01+01:00",
            "2025-11-23T08:31:01-04:30",
            "2025-11-23T13:01:01.0000009Z",
        ] {
            assert_eq!(date_time(same), Some(second), "{same}");
        }
        assert_eq!(date_time("2025-11-23T13:01:01.25Z"), Some(second.plus(Duration::from_millis(250))));
        assert_eq!(date_time("2025-11-22T24:00:00Z"), date_time("2025-11-23T00:00:00Z"));
        for wrong in [
            "",
            "T",
            "2025-11-23",
            "2025-13-23T13:01:01Z",
            "2025-11-23T13:01Z",
            "2025-11-23T13:01:01+1:00",
            "2025-11-23T13:01:01+15:00",
            "20251123T130101Z",
            "2025-11-23T13:01:01Zulu",
            "2025-11-23T13:01:0\u{661}Z",
        ] {
            assert_eq!(date_time(wrong), None, "{wrong}");
        }
    }
}
