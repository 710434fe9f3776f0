//! Finds complete files. Events only make it look sooner; it never trusts them to be all.

use super::{DirectoryParts, DirectorySettings, Order};
use model::limits::SCAN_ENTRIES_MAX;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::PoisonError;
use std::time::Duration;

/// What one look found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Names of complete files, in the configured order.
    pub complete: VecDeque<OsString>,
    /// Files that are still growing, or resting for too short a time.
    pub unfinished: usize,
    /// Links, pipes and the like, which are never signed, and what they are.
    pub odd: Vec<(OsString, &'static str)>,
    /// Folders, which stay.
    pub folders: Vec<OsString>,
}

/// Looks through the input folder once. Blocks. `now_micros` is the time by the machine's clock.
pub fn scan(parts: &DirectoryParts, now_micros: i64) -> io::Result<Scan> {
    let settings = &parts.settings;
    let told = std::mem::take(&mut *parts.complete.lock().unwrap_or_else(PoisonError::into_inner));
    let mut found = Scan::default();
    let mut complete: Vec<(i64, OsString)> = Vec::new();
    for entry in std::fs::read_dir(&settings.input)? {
        let entry = entry?;
        let name = entry.file_name();
        if !wanted(settings, &name) {
            continue;
        }
        // A file that vanishes between listing and looking was taken back by its owner.
        let Ok(metadata) = entry.metadata() else { continue };
        let kind = metadata.file_type();
        if kind.is_dir() {
            found.folders.push(name);
        } else if !told.contains(&name) && !rested(&metadata, now_micros, settings.settle) {
            found.unfinished += 1;
        } else if kind.is_file() {
            complete.push((modified_micros(&metadata), name));
        } else {
            found.odd.push((name, if kind.is_symlink() { "a symbolic link" } else { "a pipe, a socket or a device" }));
        }
        if complete.len().max(found.odd.len()).max(found.folders.len()) >= SCAN_ENTRIES_MAX {
            break;
        }
    }
    match settings.order {
        Order::Name => complete.sort_by(|a, b| a.1.cmp(&b.1)),
        Order::Oldest => complete.sort(),
    }
    found.complete = complete.into_iter().map(|(_, name)| name).collect();
    Ok(found)
}

/// Neither hidden, nor marked as being written, and matched by a pattern.
fn wanted(settings: &DirectorySettings, name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let unfinished = [".tmp", ".part", ".filepart", ".crdownload", "~"].iter().any(|end| ends_with(bytes, end));
    if bytes.starts_with(b".") || unfinished {
        return false;
    }
    settings.patterns.is_empty() || settings.patterns.iter().any(|pattern| matches(pattern.as_bytes(), bytes))
}

fn ends_with(name: &[u8], end: &str) -> bool {
    name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// Neither written nor moved for long enough. The change of status counts too, so that a file copied with an old
/// modification time does not look rested while it grows.
fn rested(metadata: &Metadata, now_micros: i64, settle: Duration) -> bool {
    let changed = metadata.ctime().saturating_mul(1_000_000) + metadata.ctime_nsec() / 1_000;
    let latest = changed.max(modified_micros(metadata).min(now_micros));
    now_micros.saturating_sub(latest) >= i64::try_from(settle.as_micros()).unwrap_or(i64::MAX)
}

fn modified_micros(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000) + metadata.mtime_nsec() / 1_000
}

/// `*` any run of bytes, `?` one byte, letters without regard to ASCII case.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == b'?' || c.eq_ignore_ascii_case(&name[n])) {
            p += 1;
            n += 1;
        } else if let Some((star_p, star_n)) = star {
            star = Some((star_p, star_n + 1));
            (p, n) = (star_p + 1, star_n + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let check = |pattern: &str, name: &str, expected| {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        };
        check("*.pdf", "invoice.PDF", true);
        check("*.pdf", "invoice.xml", false);
        check("re-????.*", "RE-2026.xml", true);
        check("re-????.*", "RE-26.xml", false);
        check("*a*b*", "xxaxxbxx", true);
        check("*a*b*", "xxbxxaxx", false);
        check("", "", true);
        check("*", "", true);
        check("?", "", false);
    }
}
