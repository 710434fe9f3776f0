//! A document as the formats see it: bytes at offsets. The caller decides whether they lie in memory or in a file.

use model::Digest;
use std::io;
use std::ops::Range;

/// Reading the document failed while it was being prepared: the caller's medium is at fault, not the document.
#[derive(Debug, thiserror::Error)]
#[error("the document cannot be read: {0}")]
pub struct SourceError(#[from] pub io::Error);

/// Random access to the bytes of one document. The bytes must not change while it is in use.
pub trait Source {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` with the bytes from `offset` on. Fewer bytes than asked for is an error
    /// (`io::ErrorKind::UnexpectedEof`).
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError>;

    /// The whole document, if it already lies in memory.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// The digest of the document, if that is all that is known of it: then nothing can be read, and its length means
    /// nothing.
    fn only_digest(&self) -> Option<Digest> {
        None
    }

    /// The documents in it, in order, without gaps: one of them, unless several are signed together (ASiC-E, several
    /// references of a detached XML signature).
    fn members(&self) -> Vec<Member> {
        vec![Member { name: None, range: 0..self.len() }]
    }
}

/// One document of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its file name, without folders, if it has one.
    pub name: Option<String>,
    /// Where its bytes are.
    pub range: Range<u64>,
}

impl Source for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let wanted = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buffer.len())?))
            .ok_or_else(|| SourceError(io::ErrorKind::UnexpectedEof.into()))?;
        buffer.copy_from_slice(wanted);
        Ok(())
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.as_slice().read_exact_at(offset, buffer)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        (**self).read_exact_at(offset, buffer)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        (**self).as_slice()
    }

    fn only_digest(&self) -> Option<Digest> {
        (**self).only_digest()
    }

    fn members(&self) -> Vec<Member> {
        (**self).members()
    }
}

/// Calls `take` with the bytes of a range, a piece at a time: all at once if they lie in memory.
pub(crate) fn each_chunk<E: From<SourceError>>(
    source: &dyn Source,
    range: &Range<u64>,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(bytes) = source.as_slice() {
        let wanted = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let wanted = wanted.and_then(|(start, end)| bytes.get(start..end));
        return take(wanted.ok_or_else(|| SourceError(io::ErrorKind::UnexpectedEof.into()))?);
    }
    let mut buffer = vec![0; range.end.saturating_sub(range.start).min(CHUNK_BYTES) as usize];
    let mut at = range.start;
    while at < range.end {
        let length = (range.end - at).min(CHUNK_BYTES);
        let chunk = buffer.get_mut(..length as usize).unwrap_or_default();
        source.read_exact_at(at, chunk)?;
        take(chunk)?;
        at += length;
    }
    Ok(())
}

/// How much of a document is in memory at once while all of it is read, in bytes.
const CHUNK_BYTES: u64 = 128 * 1024;
