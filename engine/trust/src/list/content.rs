//! The content of a list whose signature was checked (TS 119 612 clause 5), read leniently where a mistake of one service
//! must not hide the others, and within bounds.

use super::service::{Service, State};
use super::{ListKind, NAMESPACE, Pointer, Refused, TrustedList, refused};
use crate::certificate::Cert;
use formats::inspect::ObjectId;
use formats::xml::signature::octets;
use formats::xml::tree::{Document, NodeId};
use model::limits::{
    TRUSTED_LIST_CERTIFICATES_MAX, TRUSTED_LIST_HISTORY_MAX, TRUSTED_LIST_NOTES_MAX, TRUSTED_LIST_POINTERS_MAX,
    TRUSTED_LIST_SERVICES_MAX, TRUSTED_LIST_TEXT_CHARS_MAX,
};
use model::{Reason, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// The namespace of `xml:lang`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The start of every service type and status.
const TRUST: &str = "http://uri.etsi.org/TrstSvc/";

/// Reads everything; what is missing then is who signed it.
pub(super) fn read(document: &Document<'_>, digest: ObjectId) -> Result<impl FnOnce(Cert) -> TrustedList, Refused> {
    let mut reader = Reader { document, notes: Vec::new(), certificates: HashMap::new() };
    let root = document.root_element();
    let scheme = reader.child(root, "SchemeInformation").ok_or_else(|| missing("SchemeInformation"))?;
    let version = match reader.text_of(scheme, "TSLVersionIdentifier").as_deref() {
        Some("5") => 5,
        Some("6") => 6,
        other => {
            let sentence = format!("the list has version {}, not 5 or 6", other.unwrap_or("nothing"));
            return Err(refused("list-version", sentence));
        }
    };
    let sequence = reader.text_of(scheme, "TSLSequenceNumber").and_then(|text| text.parse().ok());
    let kind = reader.text_of(scheme, "TSLType").unwrap_or_default();
    let issued = reader.text_of(scheme, "ListIssueDateTime").and_then(|text| date_time(&text));
    let next = reader.child(scheme, "NextUpdate").ok_or_else(|| missing("NextUpdate"))?;
    let next_update = match reader.text_of(next, "dateTime") {
        Some(text) => Some(date_time(&text).ok_or_else(|| missing("NextUpdate"))?),
        None => None,
    };
    let information = reader.texts(scheme, "SchemeInformationURI", "URI");
    let pointers = reader.pointers(scheme)?;
    let services = reader.services(root)?;
    let sequence = sequence.ok_or_else(|| missing("TSLSequenceNumber"))?;
    let issued = issued.ok_or_else(|| missing("ListIssueDateTime"))?;
    let territory = reader.text_of(scheme, "SchemeTerritory").unwrap_or_default();
    let operator = reader.name(scheme, "SchemeOperatorName");
    let notes = reader.notes;
    Ok(move |signer| TrustedList {
        kind: if is_of_lists(&kind) { ListKind::ListOfLists } else { ListKind::Services },
        version,
        sequence,
        territory,
        operator,
        issued,
        next_update,
        information,
        pointers,
        services,
        signer,
        digest,
        notes,
    })
}

struct Reader<'d, 's> {
    document: &'d Document<'s>,
    notes: Vec<Reason>,
    /// A certificate stands in many services; it is read once.
    certificates: HashMap<ObjectId, Option<Cert>>,
}

impl Reader<'_, '_> {
    fn child(&self, node: NodeId, local: &str) -> Option<NodeId> {
        self.document.child_named(node, NAMESPACE, local)
    }

    fn all(&self, node: NodeId, local: &'static str) -> impl Iterator<Item = NodeId> + '_ {
        let document = self.document;
        document.child_elements(node).filter(move |child| is(document, *child, local))
    }

    fn text(&self, node: NodeId) -> String {
        let value = self.document.string_value(node);
        value.trim().chars().take(TRUSTED_LIST_TEXT_CHARS_MAX).collect()
    }

    fn text_of(&self, node: NodeId, local: &str) -> Option<String> {
        self.child(node, local).map(|child| self.text(child)).filter(|text| !text.is_empty())
    }

    /// The texts of elements of one name in an element that collects them.
    fn texts(&self, node: NodeId, outer: &str, inner: &'static str) -> Vec<String> {
        let Some(outer) = self.child(node, outer) else { return Vec::new() };
        self.all(outer, inner).take(TRUSTED_LIST_POINTERS_MAX).map(|child| self.text(child)).collect()
    }

    /// A name in English, else in the first language.
    fn name(&self, node: NodeId, local: &str) -> String {
        let Some(names) = self.child(node, local) else { return String::new() };
        let english = self.all(names, "Name").find(|name| self.document.attribute(*name, XML, "lang") == Some("en"));
        let first = english.or_else(|| self.all(names, "Name").next());
        first.map(|name| self.text(name)).unwrap_or_default()
    }

    fn note(&mut self, code: &'static str, sentence: String) {
        if self.notes.len() < TRUSTED_LIST_NOTES_MAX {
            self.notes.push(Reason::new(code, sentence));
        }
    }

    fn pointers(&mut self, scheme: NodeId) -> Result<Vec<Pointer>, Refused> {
        let Some(pointers) = self.child(scheme, "PointersToOtherTSL") else { return Ok(Vec::new()) };
        let nodes: Vec<NodeId> = self.all(pointers, "OtherTSLPointer").take(TRUSTED_LIST_POINTERS_MAX + 1).collect();
        if nodes.len() > TRUSTED_LIST_POINTERS_MAX {
            return Err(refused(
                "list-too-long",
                format!("the list names more than {TRUSTED_LIST_POINTERS_MAX} others"),
            ));
        }
        let mut found = Vec::with_capacity(nodes.len());
        for node in nodes {
            let location = self.text_of(node, "TSLLocation").unwrap_or_default();
            let mut pointer =
                Pointer { signers: Vec::new(), territory: String::new(), of_lists: false, xml: true, location };
            if let Some(identities) = self.child(node, "ServiceDigitalIdentities") {
                let identities: Vec<NodeId> = self.all(identities, "ServiceDigitalIdentity").collect();
                let place = format!("the pointer to {}", pointer.location);
                for identity in identities {
                    self.identity(identity, &place, &mut pointer.signers);
                }
            }
            if let Some(additional) = self.child(node, "AdditionalInformation") {
                for other in self.all(additional, "OtherInformation") {
                    if let Some(territory) = self.text_of(other, "SchemeTerritory") {
                        pointer.territory = territory;
                    }
                    if let Some(kind) = self.text_of(other, "TSLType") {
                        pointer.of_lists = is_of_lists(&kind);
                    }
                    // It has a namespace of its own.
                    let media = self
                        .document
                        .child_elements(other)
                        .find(|child| self.document.name(*child).is_some_and(|name| name.local == "MimeType"));
                    if let Some(media) = media {
                        pointer.xml = self.text(media) == "application/vnd.etsi.tsl+xml";
                    }
                }
            }
            found.push(pointer);
        }
        Ok(found)
    }

    fn services(&mut self, root: NodeId) -> Result<Vec<Service>, Refused> {
        let Some(providers) = self.child(root, "TrustServiceProviderList") else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let providers: Vec<NodeId> = self.all(providers, "TrustServiceProvider").collect();
        for provider in providers {
            let name = self.child(provider, "TSPInformation").map(|about| self.name(about, "TSPName"));
            let Some(services) = self.child(provider, "TSPServices") else { continue };
            let services: Vec<NodeId> = self.all(services, "TSPService").collect();
            for service in services {
                if found.len() == TRUSTED_LIST_SERVICES_MAX {
                    let sentence = format!("the list has more than {TRUSTED_LIST_SERVICES_MAX} services");
                    return Err(refused("list-too-long", sentence));
                }
                found.extend(self.service(service, name.as_deref().unwrap_or_default()));
            }
        }
        Ok(found)
    }

    fn service(&mut self, node: NodeId, provider: &str) -> Option<Service> {
        let about = self.child(node, "ServiceInformation")?;
        let name = self.name(about, "ServiceName");
        let mut certificates = Vec::new();
        let mut states = Vec::new();
        let history = self.child(node, "ServiceHistory");
        let older: Vec<NodeId> = history
            .map(|history| self.all(history, "ServiceHistoryInstance").take(TRUSTED_LIST_HISTORY_MAX).collect())
            .unwrap_or_default();
        let place = format!("the service \"{name}\" of {provider}");
        for part in std::iter::once(about).chain(older) {
            let start = self.text_of(part, "StatusStartingTime").and_then(|text| date_time(&text));
            let Some(start) = start else {
                self.note("list-service", format!("{place} has a status without a beginning, which does not count"));
                continue;
            };
            if let Some(identity) = self.child(part, "ServiceDigitalIdentity") {
                self.identity(identity, &place, &mut certificates);
            }
            states.push(State {
                from: start,
                to: None,
                kind: last_part(&self.text_of(part, "ServiceTypeIdentifier").unwrap_or_default(), "Svctype/"),
                status: last_part(&self.text_of(part, "ServiceStatus").unwrap_or_default(), "Svcstatus/"),
                purposes: self.purposes(part),
            });
        }
        // Each ends when the next one begins.
        states.sort_by_key(|state: &State| state.from);
        let starts: Vec<Time> = states.iter().skip(1).map(|state| state.from).collect();
        for (state, next) in states.iter_mut().zip(starts) {
            state.to = Some(next);
        }
        let supply = self.texts(about, "ServiceSupplyPoints", "ServiceSupplyPoint");
        Some(Service { provider: provider.to_owned(), name, certificates, states, supply_points: supply })
    }

    /// What a service is for, by its extensions: the last parts of URIs such as `ForeSignatures`.
    fn purposes(&self, node: NodeId) -> Vec<String> {
        let Some(extensions) = self.child(node, "ServiceInformationExtensions") else { return Vec::new() };
        let mut found = Vec::new();
        for extension in self.all(extensions, "Extension") {
            let additional = self.all(extension, "AdditionalServiceInformation");
            for uri in additional.filter_map(|additional| self.text_of(additional, "URI")) {
                if found.len() < TRUSTED_LIST_HISTORY_MAX {
                    found.push(last_part(&uri, "SvcInfoExt/"));
                }
            }
        }
        found
    }

    /// The certificates of a digital identity, each once.
    fn identity(&mut self, node: NodeId, place: &str, certificates: &mut Vec<Cert>) {
        let ids: Vec<NodeId> = self.all(node, "DigitalId").collect();
        for id in ids {
            let Some(encoded) = self.child(id, "X509Certificate") else { continue };
            let cert = octets(self.document, encoded).ok().and_then(|der| self.certificate(&der.into()));
            match cert {
                Some(cert) if certificates.len() < TRUSTED_LIST_CERTIFICATES_MAX => {
                    if !certificates.contains(&cert) {
                        certificates.push(cert);
                    }
                }
                Some(_) => self.note("list-service", format!("{place} has too many certificates")),
                None => self.note("list-certificate", format!("a certificate of {place} cannot be read")),
            }
        }
    }

    fn certificate(&mut self, der: &Arc<[u8]>) -> Option<Cert> {
        let read = || Cert::read(der).ok();
        self.certificates.entry(ObjectId::of(der)).or_insert_with(read).clone()
    }
}

fn is(document: &Document<'_>, node: NodeId, local: &str) -> bool {
    document.name(node).is_some_and(|name| name.is(NAMESPACE, local))
}

fn is_of_lists(kind: &str) -> bool {
    kind.starts_with(TRUST) && kind.ends_with("listofthelists")
}

/// What stands behind a marker in a URI of the standard; another URI as a whole.
fn last_part(uri: &str, marker: &str) -> String {
    let rest = uri.strip_prefix(TRUST).and_then(|rest| rest.rsplit_once(marker));
    rest.map_or(uri, |(_, last)| last).to_owned()
}

fn missing(what: &str) -> Refused {
    refused("list-unreadable", format!("the list has no {what}, or one that cannot be read"))
}

/// `xs:dateTime`; without a zone it is in UTC.
pub(crate) fn date_time(text: &str) -> Option<Time> {
    let (date, rest) = text.trim().split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, zone) = match rest.find(['Z', '+', '-']) {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, "Z"),
    };
    let mut clock = clock.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    if clock.next().is_some() {
        return None;
    }
    let second = second.split('.').next()?;
    let number = |text: &str| text.parse::<u8>().ok();
    let year = i32::try_from(year).ok().filter(|year| (1970..=9999).contains(year))?;
    let small = |number: u32| u8::try_from(number).ok();
    let local = Time::from_civil(year, small(month)?, small(day)?, number(hour)?, number(minute)?, number(second)?)?;
    let offset = match zone.strip_prefix(['+', '-']) {
        None => (zone == "Z").then_some(0)?,
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let (hours, minutes) = (number(hours)?, number(minutes)?);
            let seconds = (i64::from(hours) * 60 + i64::from(minutes)) * 60;
            (hours <= 14 && minutes < 60).then_some(if zone.starts_with('-') { -seconds } else { seconds })?
        }
    };
    Some(Time::from_seconds(local.seconds() - offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_lists_are_read() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(date_time(text).map(crate::report::word::time).as_deref(), expected, "{text}");
        };
        check("2026-04-28T10:00:00Z", Some("2026-04-28T10:00:00Z"));
        check(" 2026-04-28T10:00:00.123Z ", Some("2026-04-28T10:00:00Z"));
        check("2026-04-28T10:00:00+02:00", Some("2026-04-28T08:00:00Z"));
        check("2026-04-28T10:00:00-00:30", Some("2026-04-28T10:30:00Z"));
        check("2026-04-28T10:00:00", Some("2026-04-28T10:00:00Z"));
        for bad in [
            "",
            "T",
            "2026-04-28",
            "2026-02-30T10:00:00Z",
            "2026-04-28T10:00Z",
            "2026-04-28T10:00:00+99:00",
            "1900-01-01T00:00:00Z",
            "2026-04-28T10:00:00Zx",
        ] {
            check(bad, None);
        }
    }
}
