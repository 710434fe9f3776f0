//! Making containers: hashes the documents, signs in CAdES or XAdES, lays out the ZIP file.
//!
//! Each document is read once for its checksum and, for CAdES, its digest at the same time.

use super::archive::{DosTime, Entry, Writer};
use super::{META_INF, MIME_TYPE, NAMESPACE, manifest};
use crate::crypto::{self, Hasher};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::{Member, Source, SourceError, each_chunk};
use crate::{cms, xml};
use model::limits::{ASIC_ENTRIES_MAX, FILE_NAME_BYTES_MAX};
use model::profile::{Container, ContainerSignature, Format, Profile};
use model::{SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};
use std::collections::HashSet;

/// All constant parts of the containers of one signer under one profile.
#[derive(Clone, Debug)]
pub struct Template {
    container: Container,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Cades(cms::Template),
    Xades(xml::sign::Template),
}

impl Template {
    /// Lays them out.
    pub fn new(
        signer: &Signer,
        algorithm: SignatureAlgorithm,
        profile: &Profile,
        container: Container,
        signature: ContainerSignature,
    ) -> Result<Self, FormatError> {
        let form = match signature {
            ContainerSignature::Cades => {
                let shape = cms::Shape::of(Format::Asic { container, signature });
                Form::Cades(cms::Template::new(signer, algorithm, shape)?)
            }
            ContainerSignature::Xades => Form::Xades(xml::sign::Template::new(signer, algorithm, profile, true)?),
        };
        Ok(Self { container, form })
    }
}

/// Reads the documents and works out what has to be signed.
pub fn prepare(source: &dyn Source, profile: &Profile, template: &Template, now: Time) -> Result<Pending, FormatError> {
    let members = named(source.members())?;
    if template.container == Container::Simple && members.len() != 1 {
        let sentence = "an ASiC-S container holds exactly one document; for several use ASiC-E";
        return Err(FormatError::setup("several-documents", sentence));
    }
    let mime_type = match template.container {
        Container::Simple => "application/vnd.etsi.asic-s+zip",
        Container::Extended => "application/vnd.etsi.asic-e+zip",
    };
    let mut entries = vec![Entry::of_bytes(MIME_TYPE, mime_type.into())];
    let hash = match &template.form {
        Form::Cades(template) => template.algorithm().digest,
        Form::Xades(_) => profile.digest,
    };
    let mut digests = Vec::with_capacity(members.len());
    for (name, member) in &members {
        let (mut crc, mut digest) = (crc32fast::Hasher::new(), Hasher::new(hash));
        each_chunk::<SourceError>(source, &member.range, |chunk| {
            crc.update(chunk);
            if matches!(template.form, Form::Cades(_)) {
                digest.update(chunk);
            }
            Ok(())
        })?;
        digests.push((name.as_str(), digest.finish()));
        entries.push(Entry {
            name: name.clone(),
            crc: crc.finalize(),
            length: member.range.end - member.range.start,
            body: vec![Part::Slice(member.range.clone())],
        });
    }
    let (inner, signature) = match (&template.form, template.container, digests.as_slice()) {
        (Form::Cades(cms), Container::Simple, [(_, digest)]) => {
            (Inner::Cades(cms.begin(*digest, now)?), "META-INF/signature.p7s")
        }
        (Form::Cades(cms), ..) => {
            let text = manifest::write("META-INF/signature.p7s", &digests);
            let inner = cms.begin(crypto::digest(hash, text.as_bytes()), now)?;
            entries.push(Entry::of_bytes("META-INF/ASiCManifest.xml", text.into_bytes()));
            (Inner::Cades(inner), "META-INF/signature.p7s")
        }
        (Form::Xades(xml), container, _) => {
            let files = Named { source, members: &members };
            let around = [&format!("<asic:XAdESSignatures xmlns:asic=\"{NAMESPACE}\">"), "</asic:XAdESSignatures>"];
            let inner = xml::sign::prepare_detached(&files, profile, xml, now, around)?;
            if container == Container::Extended {
                let text = manifest::write_list(mime_type, members.iter().map(|(name, _)| name.as_str()));
                entries.push(Entry::of_bytes("META-INF/manifest.xml", text.into_bytes()));
            }
            (Inner::Xades(Box::new(inner)), "META-INF/signatures.xml")
        }
    };
    Ok(Pending { inner, signature, entries, time: DosTime::of(now) })
}

/// Documents under the names that they have in the container.
struct Named<'a> {
    source: &'a dyn Source,
    members: &'a [(String, Member)],
}

impl Source for Named<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.source.read_exact_at(offset, buffer)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        self.source.as_slice()
    }

    fn members(&self) -> Vec<Member> {
        let renamed = |(name, member): &(String, Member)| Member { name: Some(name.clone()), ..member.clone() };
        self.members.iter().map(renamed).collect()
    }
}

/// Every member with a name that is free of folders, control characters and names of the container's own.
fn named(members: Vec<Member>) -> Result<Vec<(String, Member)>, FormatError> {
    if members.len() > ASIC_ENTRIES_MAX / 2 {
        let sentence = format!("a container can be made of {} documents at most", ASIC_ENTRIES_MAX / 2);
        return Err(FormatError::document("too-many-documents", sentence));
    }
    // Compared as a file system without case would.
    let mut taken: HashSet<String> = [MIME_TYPE, META_INF.trim_end_matches('/')].map(str::to_lowercase).into();
    let mut all = Vec::with_capacity(members.len());
    for member in members {
        let wanted = member.name.as_deref().unwrap_or_default();
        let last = wanted.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut name: String = last.chars().filter(|char| !char.is_control() && *char != ':').collect();
        while name.len() > FILE_NAME_BYTES_MAX {
            name.pop();
        }
        if matches!(name.as_str(), "" | "." | "..") {
            name = "document".to_owned();
        }
        let (stem, ending) = match name.rfind('.') {
            Some(at) if at > 0 => name.split_at(at),
            _ => (name.as_str(), ""),
        };
        let mut free = name.clone();
        let mut number = 1_usize;
        while !taken.insert(free.to_lowercase()) {
            number += 1;
            free = format!("{stem}-{number}{ending}");
        }
        all.push((free, member));
    }
    Ok(all)
}

/// A container that waits for its signature value.
#[derive(Debug)]
pub struct Pending {
    inner: Inner,
    /// The entry that the signature becomes.
    signature: &'static str,
    /// All others.
    entries: Vec<Entry>,
    time: DosTime,
}

#[derive(Debug)]
enum Inner {
    Cades(cms::Pending),
    Xades(Box<xml::sign::Pending>),
}

impl Pending {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        match &self.inner {
            Inner::Cades(pending) => pending.to_be_signed(),
            Inner::Xades(pending) => pending.to_be_signed(),
        }
    }

    /// Makes sure that the value was made with the private key that belongs to the certificate, over these bytes.
    pub fn check(&self, value: &SignatureValue) -> Result<(), FormatError> {
        match &self.inner {
            Inner::Cades(pending) => pending.check(value),
            Inner::Xades(pending) => pending.check(value),
        }
    }

    /// The result, as a recipe over the documents.
    pub fn finish(self, value: &SignatureValue) -> Result<Vec<Part>, FormatError> {
        let bytes = match self.inner {
            Inner::Cades(pending) => pending.finish(value)?,
            Inner::Xades(pending) => {
                let mut bytes = Vec::new();
                for part in pending.finish(value)? {
                    // A detached signature is all ours.
                    if let Part::Bytes(more) = part {
                        bytes.extend(more);
                    }
                }
                bytes
            }
        };
        let mut writer = Writer::default();
        for entry in self.entries {
            writer.add(entry, self.time);
        }
        writer.add(Entry::of_bytes(self.signature, bytes), self.time);
        Ok(writer.finish())
    }
}
