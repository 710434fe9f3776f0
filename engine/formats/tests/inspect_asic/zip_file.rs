//! ZIP files written byte by byte, so that they can be wrong in any way.

use std::io::Read;

/// One entry, as its own header and the directory say.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// What its own header calls it, if that is something else.
    pub(crate) own_name: Option<String>,
    /// The checksum that is written.
    pub(crate) crc: u32,
    pub(crate) deflated: bool,
    /// The directory does not name it.
    pub(crate) hidden: bool,
    /// The length that is written.
    pub(crate) length: u32,
}

impl Entry {
    pub(crate) fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let (crc, length) = (crc32fast::hash(&bytes), bytes.len() as u32);
        Self { name: name.into(), bytes, own_name: None, crc, deflated: false, hidden: false, length }
    }
}

/// The entries of a sound file.
pub(crate) fn entries(file: &[u8]) -> Vec<Entry> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut entry = archive.by_index(at).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            Entry::new(&entry.name().unwrap(), bytes)
        })
        .collect()
}

/// The file with these entries.
pub(crate) fn written(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for entry in entries {
        let offset = file.len() as u32;
        let packed = match entry.deflated {
            true => {
                let mut packed = Vec::new();
                let level = flate2::Compression::best();
                flate2::read::DeflateEncoder::new(entry.bytes.as_slice(), level).read_to_end(&mut packed).unwrap();
                packed
            }
            false => entry.bytes.clone(),
        };
        let fields = |name: &str| {
            let mut out: Vec<u8> = Vec::new();
            for number in [20, 1 << 11, if entry.deflated { 8 } else { 0 }, 0, 33_u16] {
                out.extend(number.to_le_bytes());
            }
            for number in [entry.crc, packed.len() as u32, entry.length] {
                out.extend(number.to_le_bytes());
            }
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0, 0]);
            out
        };
        let own = entry.own_name.as_deref().unwrap_or(&entry.name);
        file.extend(b"PK\x03\x04");
        file.extend(fields(own));
        file.extend(own.as_bytes());
        file.extend(&packed);
        if !entry.hidden {
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(fields(&entry.name));
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(entry.name.as_bytes());
            count += 1;
        }
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\x00\x00\x00\x00");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}
