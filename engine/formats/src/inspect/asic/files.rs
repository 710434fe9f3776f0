//! The files of a container: found by reference, read where they lie or unpacked, hashed once for each digest.

use crate::asic::META_INF;
use crate::asic::manifest::name_of;
use crate::asic::reader::Container;
use crate::inspect::Input;
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::signature::HashAlgorithm;
use crate::source::{Member, Source, SourceError, each_chunk};
use model::Reason;
use model::limits::ASIC_UNPACKED_BYTES_MAX;
use std::cell::RefCell;
use std::collections::HashMap;

/// All files of a container but its folders.
pub(super) struct Files<'a> {
    source: &'a dyn Source,
    files: Vec<File>,
    by_name: HashMap<Vec<u8>, usize>,
    digests: RefCell<Digests>,
}

/// Of files by algorithms. `None`: there is none.
type Digests = HashMap<(usize, HashAlgorithm), Option<Vec<u8>>>;

/// One file.
pub(super) struct File {
    /// Its name, with folders.
    pub(super) name: String,
    /// Its bytes; or why they cannot be had.
    part: Result<Part, Reason>,
    /// Its checksum is wrong.
    pub(super) damaged: bool,
}

impl<'a> Files<'a> {
    /// Unpacks what is packed, first what is about signatures, as long as it is not too much.
    pub(super) fn open(input: &Input<'a>, container: &Container) -> Result<Self, FormatError> {
        let mut order: Vec<usize> = (0..container.entries.len()).collect();
        order.sort_by_key(|at| container.entries.get(*at).is_some_and(|entry| !is_meta(&entry.name)));
        let mut unpacked = input.unpacked.map_or(0, std::cell::Cell::get);
        let mut files = Vec::new();
        for entry in order.into_iter().filter_map(|at| container.entries.get(at)) {
            if entry.name.ends_with('/') {
                continue;
            }
            let (part, damaged) = if entry.deflated {
                match entry.bytes(input.source, &mut unpacked) {
                    Ok(bytes) => {
                        let damaged = crc32fast::hash(&bytes) != entry.crc;
                        (Ok(Part::Bytes(bytes)), damaged)
                    }
                    Err(FormatError::Document(reason)) => (Err(reason), false),
                    Err(other) => return Err(other),
                }
            } else {
                // Whether it is intact is told by those digests that are over it.
                (Ok(Part::Slice(entry.data.clone())), false)
            };
            files.push(File { name: entry.name.clone(), part, damaged });
        }
        if let Some(counter) = input.unpacked {
            counter.set(unpacked.min(ASIC_UNPACKED_BYTES_MAX));
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut by_name = HashMap::new();
        for (at, file) in files.iter().enumerate() {
            by_name.entry(file.name.clone().into_bytes()).or_insert(at);
        }
        Ok(Self { source: input.source, files, by_name, digests: RefCell::default() })
    }

    /// All, with their numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &File)> {
        self.files.iter().enumerate()
    }

    /// The name of a file.
    pub(super) fn name(&self, at: usize) -> &str {
        self.files.get(at).map_or("", |file| &file.name)
    }

    /// The file that a reference means: a name with or without escapes, in a container's own folder.
    pub(super) fn find(&self, uri: &str) -> Option<usize> {
        let within = uri.trim_start_matches("./").trim_start_matches('/');
        let names = [uri.as_bytes().to_vec(), name_of(uri), within.as_bytes().to_vec(), name_of(within)];
        names.iter().find_map(|name| self.by_name.get(name)).copied()
    }

    /// The file with this name.
    pub(super) fn find_exactly(&self, name: &str) -> Option<usize> {
        self.by_name.get(name.as_bytes()).copied()
    }

    /// The bytes of a file, where they lie. An error: why there are none.
    pub(super) fn piece(&self, at: usize) -> Result<Piece<'_>, Reason> {
        let file = self.files.get(at).ok_or_else(|| Reason::new("original-missing", "the file is not there"))?;
        match &file.part {
            Ok(part) => Ok(Piece { part, original: self.source }),
            Err(reason) => Err(reason.clone()),
        }
    }

    /// All bytes of a small file.
    pub(super) fn bytes(&self, at: usize, most: u64) -> Result<Result<Vec<u8>, Reason>, FormatError> {
        let piece = match self.piece(at) {
            Ok(piece) => piece,
            Err(reason) => return Ok(Err(reason)),
        };
        if piece.len() > most {
            let sentence = format!("{} is larger than such files may be", self.name(at));
            return Ok(Err(Reason::new("asic-too-large", sentence)));
        }
        let mut bytes = vec![0; piece.len() as usize];
        piece.read_exact_at(0, &mut bytes)?;
        Ok(Ok(bytes))
    }

    /// The digest of a file. `None`: the library does not compute it, or the file cannot be read.
    pub(super) fn digest(&self, at: usize, hash: HashAlgorithm) -> Result<Option<Vec<u8>>, FormatError> {
        if let Some(known) = self.digests.borrow().get(&(at, hash)) {
            return Ok(known.clone());
        }
        let digest = match (self.piece(at), hash.start()) {
            (Ok(piece), Ok(mut running)) => {
                let mut outcome = Ok(());
                each_chunk::<SourceError>(&piece, &(0..piece.len()), |chunk| {
                    if outcome.is_ok() {
                        outcome = running.update(chunk);
                    }
                    Ok(())
                })?;
                outcome.and_then(|()| running.finish()).ok()
            }
            _ => None,
        };
        self.digests.borrow_mut().insert((at, hash), digest.clone());
        Ok(digest)
    }

    /// All files that can be read, as one source with members.
    pub(super) fn together(&self) -> Together<'_> {
        let pieces = (0..self.files.len()).filter_map(|at| Some((self.name(at), self.piece(at).ok()?)));
        let (mut start, mut all) = (0_u64, Vec::new());
        for (name, piece) in pieces {
            let end = start.saturating_add(piece.len());
            all.push((name, start, piece));
            start = end;
        }
        Together { pieces: all, length: start }
    }
}

/// Whether a file is about signatures and not one of those that are signed.
pub(super) fn is_meta(name: &str) -> bool {
    name.get(..META_INF.len()).is_some_and(|start| start.eq_ignore_ascii_case(META_INF))
}

/// The bytes of one file.
pub(super) struct Piece<'a> {
    part: &'a Part,
    original: &'a dyn Source,
}

impl Source for Piece<'_> {
    fn len(&self) -> u64 {
        self.part.len(self.original.len())
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.len());
        match (self.part, end) {
            (Part::Bytes(bytes), Some(_)) => bytes.as_slice().read_exact_at(offset, buffer),
            (Part::Slice(range), Some(_)) => self.original.read_exact_at(range.start.saturating_add(offset), buffer),
            _ => Err(SourceError(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn as_slice(&self) -> Option<&[u8]> {
        match self.part {
            Part::Bytes(bytes) => Some(bytes),
            Part::Slice(range) => {
                let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
                self.original.as_slice()?.get(start..end)
            }
            Part::Original | Part::Base64(_) => None,
        }
    }
}

/// Several files one behind the other.
pub(super) struct Together<'a> {
    pieces: Vec<(&'a str, u64, Piece<'a>)>,
    length: u64,
}

impl Source for Together<'_> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), SourceError> {
        let first = self.pieces.partition_point(|(_, start, piece)| start + piece.len() <= offset);
        for (_, start, piece) in self.pieces.get(first..).unwrap_or_default() {
            if buffer.is_empty() {
                break;
            }
            let within = offset.saturating_sub(*start);
            let count = usize::try_from(piece.len().saturating_sub(within)).unwrap_or(usize::MAX).min(buffer.len());
            let (now, later) = buffer.split_at_mut(count);
            piece.read_exact_at(within, now)?;
            buffer = later;
            offset += count as u64;
        }
        match buffer.is_empty() {
            true => Ok(()),
            false => Err(SourceError(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn members(&self) -> Vec<Member> {
        let member = |(name, start, piece): &(&str, u64, Piece<'_>)| Member {
            name: Some((*name).to_owned()),
            range: *start..start + piece.len(),
        };
        self.pieces.iter().map(member).collect()
    }
}
