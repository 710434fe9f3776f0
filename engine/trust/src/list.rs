//! Trusted lists (ETSI TS 119 612, versions 5 and 6): the European list of lists and the national ones. A list is believed
//! only under exactly one enveloped XAdES signature over all of it, by a certificate that was named beforehand; nothing of
//! it is read before. Fetches nothing, keeps nothing: the caller has the bytes, and remembers what was [`Seen`].

mod content;
mod service;

pub(crate) use content::date_time;
pub use service::{Service, State};

use crate::certificate::Cert;
use formats::inspect::ObjectId;
use formats::signature::HashAlgorithm;
use formats::xml::algorithms::SIGNED_PROPERTIES;
use formats::xml::reference::Outside;
use formats::xml::signature::{self, Reference, Step};
use formats::xml::tree::Document;
use formats::xml::verify;
use model::limits::TRUSTED_LIST_BYTES_MAX;
use model::{Reason, Time};

/// The namespace of trusted lists.
pub const NAMESPACE: &str = "http://uri.etsi.org/02231/v2#";

/// Why a list is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub Reason);

/// What kind of list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Names other lists.
    ListOfLists,
    /// Names trust services.
    Services,
}

/// A list whose signature was checked.
#[derive(Clone, Debug)]
pub struct TrustedList {
    /// Its kind.
    pub kind: ListKind,
    /// The version of its form, 5 or 6.
    pub version: u8,
    /// Its number, which rises with each issue.
    pub sequence: u64,
    /// The country, or `EU`.
    pub territory: String,
    /// Who publishes it.
    pub operator: String,
    /// When it was issued.
    pub issued: Time,
    /// When the next one comes at the latest. `None`: none comes, the list is closed.
    pub next_update: Option<Time>,
    /// Addresses of the scheme: in the list of lists that of the Official Journal, and of pivots, newest first.
    pub information: Vec<String>,
    /// Other lists, and who may sign them.
    pub pointers: Vec<Pointer>,
    /// The services.
    pub services: Vec<Service>,
    /// Who signed it.
    pub signer: Cert,
    /// SHA-256 of the list.
    pub digest: ObjectId,
    /// What could not be used: certificates that cannot be read.
    pub notes: Vec<Reason>,
}

/// Where another list is, and who may sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Its address.
    pub location: String,
    /// Its country, or `EU`.
    pub territory: String,
    /// It is a list of lists.
    pub of_lists: bool,
    /// It is XML, not a page for people.
    pub xml: bool,
    /// Who may sign it.
    pub signers: Vec<Cert>,
}

/// What was believed last of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub sequence: u64,
    /// When it was issued.
    pub issued: Time,
}

impl TrustedList {
    /// Reads a list that was signed with one of these certificates. `seen`: the newest issue that was believed before; an
    /// older one is refused.
    pub fn read(bytes: &[u8], signers: &[Cert], seen: Option<&Seen>) -> Result<Self, Refused> {
        let document = open(bytes)?;
        let signer = signer_of(&document, signers)?;
        let list = content::read(&document, ObjectId::of(bytes))?(signer);
        match seen {
            Some(seen) if list.sequence < seen.sequence || list.issued < seen.issued => {
                let sentence = format!(
                    "the list has number {} and is older than number {}, which was seen before: somebody plays back an old list",
                    list.sequence, seen.sequence
                );
                Err(refused("list-rollback", sentence))
            }
            _ => Ok(list),
        }
    }

    /// Reads the list of lists by way of its pivots, given oldest first: each is signed by those who were trusted
    /// before, and names those who are trusted from then on.
    pub fn read_through_pivots(
        bytes: &[u8],
        pivots: &[&[u8]],
        signers: &[Cert],
        seen: Option<&Seen>,
    ) -> Result<Self, Refused> {
        let mut trusted = signers.to_vec();
        let mut last: Option<Seen> = None;
        for pivot in pivots {
            let pivot = Self::read(pivot, &trusted, last.as_ref())?;
            let own = pivot.pointers.iter().filter(|pointer| pointer.of_lists && pointer.xml);
            let next: Vec<Cert> = own.flat_map(|pointer| pointer.signers.iter().cloned()).collect();
            if next.is_empty() {
                return Err(refused("list-pivot", "a pivot names nobody who may sign the list of lists"));
            }
            last = Some(pivot.seen());
            trusted = next;
        }
        let list = Self::read(bytes, &trusted, seen)?;
        if last.is_some_and(|last| list.sequence < last.sequence) {
            return Err(refused("list-rollback", "the list of lists is older than its pivot"));
        }
        Ok(list)
    }

    /// What to remember of it.
    pub fn seen(&self) -> Seen {
        Seen { sequence: self.sequence, issued: self.issued }
    }

    /// Whether a newer one should have come by now. It stays in use, but a policy may warn.
    pub fn is_stale(&self, now: Time) -> bool {
        self.next_update.is_some_and(|next| next < now)
    }

    /// The addresses of pivots, newest first.
    pub fn pivots(&self) -> impl Iterator<Item = &str> {
        self.information.iter().map(String::as_str).filter(|uri| uri.contains("pivot") && uri.ends_with(".xml"))
    }

    /// Whether this address of the Official Journal still is the one that the list names. If not, the initial
    /// certificates were published anew, and an administrator has to look.
    pub fn names_journal(&self, address: &str) -> bool {
        self.information.iter().any(|uri| uri == address)
    }

    /// Everything that the services of the list may be trusted for.
    pub fn anchors(&self) -> Vec<crate::Anchor> {
        self.services.iter().flat_map(|service| service.anchors(&self.territory)).collect()
    }
}

/// Whether a file has the form of a list, whoever signed it, and how many services and pointers are in it: for those who
/// publish lists. Nothing in it is to be believed.
pub fn check_form(bytes: &[u8]) -> Result<(usize, usize), Refused> {
    let document = open(bytes)?;
    let _ = content::read(&document, ObjectId::of(bytes))?;
    let count = |local: &str| {
        let named = |node: &_| document.name(*node).is_some_and(|name| name.is(NAMESPACE, local));
        document.subtree(document.root_element()).filter(named).count()
    };
    Ok((count("TSPService"), count("OtherTSLPointer")))
}

fn open(bytes: &[u8]) -> Result<Document<'_>, Refused> {
    if bytes.len() > TRUSTED_LIST_BYTES_MAX {
        let sentence = format!("the list has more than {TRUSTED_LIST_BYTES_MAX} bytes");
        return Err(refused("list-too-long", sentence));
    }
    let document = Document::parse(bytes).map_err(|error| refused("list-unreadable", error.to_string()))?;
    let root = document.root_element();
    if !document.name(root).is_some_and(|name| name.is(NAMESPACE, "TrustServiceStatusList")) {
        return Err(refused("list-unreadable", "the file is no trusted list"));
    }
    Ok(document)
}

/// Checks the signature of a list; gives the certificate, which is one of those allowed.
fn signer_of(document: &Document<'_>, allowed: &[Cert]) -> Result<Cert, Refused> {
    let wrong = |error: formats::FormatError| refused("list-signature", error.to_string());
    let nodes = signature::find(document).map_err(wrong)?;
    let [node] = nodes.as_slice() else {
        let sentence = format!("the list has {} signatures where there must be one", nodes.len());
        return Err(refused("list-signature", sentence));
    };
    if document.parent(*node) != Some(document.root_element()) {
        return Err(refused("list-signature", "the signature is not where that of a list has to be"));
    }
    let checked = verify::check(document, *node, &Outside::default()).map_err(wrong)?;
    if let Some(reason) = checked.fault() {
        return Err(refused("list-signature", format!("the signature of the list is wrong: {reason}")));
    }
    if checked.signature.properties.is_none() {
        return Err(refused("list-signature", "the signature of the list is no XAdES signature"));
    }
    let (whole, others): (Vec<&Reference>, Vec<&Reference>) =
        checked.signature.references.iter().partition(|reference| reference.uri.as_deref() == Some(""));
    let [whole] = whole.as_slice() else {
        return Err(refused("list-signature", "the signature is not over the whole list, once"));
    };
    if !matches!(whole.transforms.as_slice(), [Step::Enveloped] | [Step::Enveloped, Step::Canonical(_)]) {
        return Err(refused("list-signature", "the signature is over a selection of the list"));
    }
    if others.iter().any(|reference| reference.kind != SIGNED_PROPERTIES) {
        return Err(refused("list-signature", "the signature is over something beside the list"));
    }
    let weak = |reference: &Reference| matches!(reference.hash, HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160);
    if checked.signature.references.iter().any(weak) {
        return Err(refused("list-signature", "the signature of the list uses a digest that is not safe any more"));
    }
    let signer = checked.key.as_ref().and_then(verify::Key::certificate);
    let signer = signer.and_then(|der| allowed.iter().find(|cert| cert.der().as_ref() == der));
    signer.cloned().ok_or_else(|| refused("list-signer", "the list was signed by somebody who may not sign it"))
}

fn refused(code: &'static str, sentence: impl Into<String>) -> Refused {
    Refused(Reason::new(code, sentence))
}
