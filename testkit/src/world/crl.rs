//! Revocation lists (RFC 5280 section 5): whole, in partitions, and deltas, of any size.
//!
//! Sans IO and without a clock.

use super::authority::{Authority, DAY, Issuer, crl_path, distribution_point_name, extension};
use super::der;
use super::register::Revoked;
use anyhow::Result;

/// How the lists are made.
#[derive(Clone, Debug)]
pub struct CrlSettings {
    /// Seconds from `thisUpdate` to `nextUpdate`.
    pub next_update: i64,
    /// Invented entries beside the true ones; 1 000 000 make about 36 MB.
    pub invented: usize,
}

impl Default for CrlSettings {
    fn default() -> Self {
        Self { next_update: 7 * DAY, invented: 0 }
    }
}

/// Which list of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrlPart {
    /// All entries.
    Whole,
    /// Those of the certificates of one partition, with a critical IssuingDistributionPoint.
    Partition(usize),
    /// What changed since the whole list was frozen, with a critical DeltaCRLIndicator.
    Delta,
}

/// What a list says beside its entries.
pub(super) struct Heading<'a> {
    pub(super) issuer: Issuer,
    pub(super) part: CrlPart,
    pub(super) base_url: &'a str,
    pub(super) now: i64,
    pub(super) number: u64,
    /// The number of the whole list, if deltas follow it.
    pub(super) base: Option<u64>,
}

/// `CertificateList`.
pub(super) fn list(
    authority: &Authority,
    settings: &CrlSettings,
    heading: &Heading,
    entries: &Revoked,
) -> Result<Vec<u8>> {
    let mut revoked = invented(if heading.part == CrlPart::Delta { 0 } else { settings.invented }, heading.now);
    for (serial, (at, reason)) in entries {
        let reason = extension("2.5.29.21", false, &der::tlv(der::ENUMERATED, &[&[*reason]]));
        revoked.extend(der::seq(&[&der::tlv(der::INTEGER, &[serial]), &der::time(*at), &der::seq(&[&reason])]));
    }
    // The list of entries is absent, not empty (RFC 5280 section 5.1.2.6).
    let revoked = if revoked.is_empty() { revoked } else { der::seq(&[&revoked]) };
    let base = heading.base_url;
    let mut extensions = vec![authority.key_identifier()];
    match (heading.part, heading.base) {
        (CrlPart::Whole, base) => {
            extensions.push(extension("2.5.29.20", false, &der::number(base.unwrap_or(heading.number))));
        }
        _ => extensions.push(extension("2.5.29.20", false, &der::number(heading.number))),
    }
    match heading.part {
        CrlPart::Whole if heading.base.is_some() => {
            let url = format!("{base}{}", path(heading.issuer, CrlPart::Delta));
            let point = der::seq(&[&distribution_point_name(&url)]);
            extensions.push(extension("2.5.29.46", false, &der::seq(&[&point])));
        }
        CrlPart::Whole => {}
        CrlPart::Partition(number) => {
            let name = distribution_point_name(&format!("{base}{}", crl_path(heading.issuer, Some(number))));
            extensions.push(extension("2.5.29.28", true, &der::seq(&[&name])));
        }
        CrlPart::Delta => {
            extensions.push(extension("2.5.29.27", true, &der::number(heading.base.unwrap_or(1))));
        }
    }
    authority.key.sealed(&der::seq(&[
        &der::number(1),
        &authority.key.identifier,
        &authority.name,
        &der::time(heading.now),
        &der::time(heading.now + settings.next_update),
        &revoked,
        &der::tlv(0xa0, &[&der::seq(&[&extensions.concat()])]),
    ]))
}

/// The path of a list.
pub(super) fn path(issuer: Issuer, part: CrlPart) -> String {
    match part {
        CrlPart::Whole => crl_path(issuer, None),
        CrlPart::Partition(number) => crl_path(issuer, Some(number)),
        CrlPart::Delta => format!("/crl/{}-delta.crl", issuer.label()),
    }
}

/// Which list a path names.
pub(super) fn named(path: &str) -> Option<(Issuer, CrlPart)> {
    let name = path.strip_prefix("/crl/")?.strip_suffix(".crl")?;
    let (label, part) = match name.split_once('-') {
        None => (name, CrlPart::Whole),
        Some((label, "delta")) => (label, CrlPart::Delta),
        Some((label, number)) => (label, CrlPart::Partition(number.parse().ok()?)),
    };
    Issuer::ALL.into_iter().find(|issuer| issuer.label() == label).map(|issuer| (issuer, part))
}

/// Entries that belong to nobody: serial numbers of 16 bytes that look like chance (a permutation of the count).
fn invented(count: usize, now: i64) -> Vec<u8> {
    let mut entry = der::seq(&[&der::tlv(der::INTEGER, &[&[0; 16]]), &der::time(now - 100 * DAY)]);
    let mut out = Vec::with_capacity(count * entry.len());
    for number in 0..count as u64 {
        let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Entries of the world's own begin with 0x40 to 0x7f; these with 0x01 to 0x3f.
        entry[4] = (high >> 58).max(1) as u8;
        entry[5..12].copy_from_slice(&high.to_be_bytes()[1..]);
        entry[12..20].copy_from_slice(&number.to_be_bytes());
        out.extend_from_slice(&entry);
    }
    out
}
