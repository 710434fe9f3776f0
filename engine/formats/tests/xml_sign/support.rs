//! Documents, profiles and results that the tests of XML signatures share.

use crate::cms_support::{identity, now, sign, signer};
use formats::source::Member;
use formats::xml::reference::Outside;
use formats::xml::tree::Document;
use formats::xml::verify::{self, Checked};
use formats::{Sealed, SignerTemplate, Source, SourceError, prepare};
use model::Profile;
use testkit::pki::KeyKind;

/// Several documents that are signed together.
pub struct Files(pub Vec<(String, Vec<u8>)>);

impl Files {
    pub fn one(name: &str, bytes: &[u8]) -> Self {
        Self(vec![(name.to_owned(), bytes.to_vec())])
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}

impl Source for Files {
    fn len(&self) -> u64 {
        self.0.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.bytes().read_exact_at(offset, buffer)
    }

    fn members(&self) -> Vec<Member> {
        let mut at = 0;
        let member = |(name, bytes): &(String, Vec<u8>)| {
            let start = at;
            at += bytes.len() as u64;
            Member { name: Some(name.clone()), range: start..at }
        };
        self.0.iter().map(member).collect()
    }
}

/// Signs and assembles; the finished file.
pub fn signed(source: &dyn Source, profile: &Profile, kind: KeyKind) -> Vec<u8> {
    written(&sealed(source, profile, kind), source)
}

pub fn sealed(source: &dyn Source, profile: &Profile, kind: KeyKind) -> Sealed {
    let template = SignerTemplate::new(&signer(kind), profile).unwrap();
    let prepared = prepare(source, profile, &template, now()).unwrap();
    let value = sign(identity(kind).key(), prepared.to_be_signed());
    prepared.assemble(&value).unwrap()
}

/// Writes a result out.
pub fn written(sealed: &Sealed, original: &dyn Source) -> Vec<u8> {
    let assembled = sealed.assembled(original);
    let mut bytes = vec![0; assembled.len() as usize];
    assembled.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// All signatures of a file, which must be readable.
pub fn check(file: &[u8], files: Option<&dyn Source>) -> Vec<Checked> {
    let document = Document::parse(file).unwrap();
    let checked = verify::check_all(&document, &Outside::files(files)).unwrap();
    checked.into_iter().map(Result::unwrap).collect()
}

/// The one signature of a file, which must be intact.
pub fn intact(file: &[u8], files: Option<&dyn Source>) -> Checked {
    let mut checked = check(file, files);
    assert_eq!(checked.len(), 1);
    let checked = checked.remove(0);
    assert!(checked.fault().is_none(), "{:?}\n{}", checked.fault(), String::from_utf8_lossy(file));
    checked
}
