//! Compares host names and addresses with subtrees. Letters of any case are alike; names in other scripts come as
//! A-labels (`xn--…`), which are compared as they are.

/// A mail address: the base is an address, a host, or a domain with a dot in front. `None`: it is no address, or its host
/// is not written in ASCII.
pub(super) fn mail_within(address: &str, base: &str) -> Option<bool> {
    let (local, host) = address.rsplit_once('@')?;
    if local.is_empty() || host.is_empty() || !host.is_ascii() {
        return None;
    }
    Some(match base.rsplit_once('@') {
        // The part in front of the host belongs to the host alone, which may tell letters apart.
        Some((base_local, base_host)) => local == base_local && host.eq_ignore_ascii_case(base_host),
        None => base.is_empty() || is_same_or_in_dotted(host, base),
    })
}

/// A host name, perhaps with a wildcard: the base itself and everything below it. When it is about exclusion, a wildcard
/// is inside if one of the names that it stands for is.
pub(super) fn dns_within(host: &str, base: &str, excluding: bool) -> bool {
    let (host, base) = (host.strip_suffix('.').unwrap_or(host), base.strip_suffix('.').unwrap_or(base));
    if base.is_empty() {
        return true;
    }
    if excluding
        && let Some(parent) = host.strip_prefix("*.")
        && let Some((_, base_parent)) = base.trim_start_matches('.').split_once('.')
        && base_parent.eq_ignore_ascii_case(parent)
    {
        return true;
    }
    is_same_or_in_dotted(host, base) || ends_with_label(host, base)
}

/// The host of a URI: the base is a host, or a domain with a dot in front. `None`: it has no host name.
pub(super) fn uri_within(uri: &str, base: &str) -> Option<bool> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next()?;
    // An address in brackets, or one of numbers, is no name.
    if last.is_empty() || host.contains(['[', ']', ':', '%']) || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(base.is_empty() || is_same_or_in_dotted(host, base))
}

/// An address of 4 or 16 octets and a base of twice as many: address and mask. `None`: they are not that.
pub(super) fn address_within(address: &[u8], base: &[u8]) -> Option<bool> {
    let (network, mask) = match base.len() {
        8 | 32 => base.split_at_checked(base.len() / 2)?,
        _ => return None,
    };
    // A mask is a run of ones and nothing else (RFC 4632).
    let mut behind_ones = mask.iter().skip_while(|&&octet| octet == 0xff);
    let is_run = |octet: &u8| octet.leading_ones() + octet.trailing_zeros() == 8;
    if !behind_ones.next().is_none_or(is_run) || behind_ones.any(|&octet| octet != 0) {
        return None;
    }
    if ![4, 16].contains(&address.len()) {
        return None;
    }
    let same = |((one, other), mask): ((&u8, &u8), &u8)| one & mask == other & mask;
    Some(address.len() == network.len() && address.iter().zip(network).zip(mask).all(same))
}

/// With a dot in front the base stands for everything below it, otherwise for itself.
fn is_same_or_in_dotted(host: &str, base: &str) -> bool {
    if base.starts_with('.') {
        host.len() > base.len() && ends_with(host, base)
    } else {
        host.eq_ignore_ascii_case(base)
    }
}

fn ends_with_label(host: &str, base: &str) -> bool {
    let before = host.len().checked_sub(base.len() + 1).and_then(|at| host.as_bytes().get(at));
    !base.starts_with('.') && before == Some(&b'.') && ends_with(host, base)
}

fn ends_with(host: &str, end: &str) -> bool {
    let start = host.len().checked_sub(end.len());
    start.and_then(|start| host.as_bytes().get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names_are_below_their_base() {
        for (host, base, inside) in [
            ("example.de", "example.de", true),
            ("WWW.Example.DE", "example.de", true),
            ("a.b.example.de", "example.de", true),
            ("badexample.de", "example.de", false),
            ("example.de", ".example.de", false),
            ("www.example.de", ".example.de", true),
            ("de", "example.de", false),
            ("www.example.de.", "example.de", true),
            ("anything.at.all", "", true),
            ("*.example.de", "example.de", true),
            ("*.example.de", "www.example.de", false),
            // A-labels are plain letters; a U-label is not the same name.
            ("www.XN--BCHER-KVA.de", "xn--bcher-kva.de", true),
            ("bücher.de", "xn--bcher-kva.de", false),
            ("é.de", "x.de", false),
        ] {
            assert_eq!(dns_within(host, base, false), inside, "{host} in {base}");
        }
        // A wildcard could be used for a name that is excluded.
        assert!(dns_within("*.example.de", "www.example.de", true));
        assert!(!dns_within("*.example.de", "www.other.de", true));
        assert!(!dns_within("*.example.de", "a.b.example.de", true), "a wildcard stands for one label");
    }

    #[test]
    fn mail_addresses_are_of_their_host_or_domain() {
        for (address, base, inside) in [
            ("erika@example.de", "erika@EXAMPLE.de", Some(true)),
            ("Erika@example.de", "erika@example.de", Some(false)),
            ("erika@example.de", "example.de", Some(true)),
            ("erika@mail.example.de", "example.de", Some(false)),
            ("erika@mail.example.de", ".example.de", Some(true)),
            ("erika@example.de", ".example.de", Some(false)),
            ("\"a@b\"@example.de", "example.de", Some(true)),
            ("erika@example.de", "", Some(true)),
            ("erika", "example.de", None),
            ("@example.de", "example.de", None),
            ("erika@bücher.de", "xn--bcher-kva.de", None),
        ] {
            assert_eq!(mail_within(address, base), inside, "{address} in {base}");
        }
    }

    #[test]
    fn uris_are_judged_by_their_host() {
        for (uri, base, inside) in [
            ("https://example.de/a?b#c", "example.de", Some(true)),
            ("ftp://user:secret@Example.de:8080", "example.de", Some(true)),
            ("https://www.example.de/", "example.de", Some(false)),
            ("https://www.example.de/", ".example.de", Some(true)),
            ("https://example.de/", ".example.de", Some(false)),
            ("https://evil.com/@example.de", "example.de", Some(false)),
            ("https://example.de@evil.com/", "example.de", Some(false)),
            ("https://example.de?@evil.com/", "example.de", Some(true)),
            ("https://192.0.2.1/", "example.de", None),
            ("https://[2001:db8::1]/", "example.de", None),
            ("https:///path", "example.de", None),
            ("urn:isbn:1", "example.de", None),
        ] {
            assert_eq!(uri_within(uri, base), inside, "{uri} in {base}");
        }
    }

    #[test]
    fn addresses_of_both_kinds_are_in_their_network() {
        let network = [192, 0, 2, 0, 255, 255, 255, 128];
        assert_eq!(address_within(&[192, 0, 2, 127], &network), Some(true));
        assert_eq!(address_within(&[192, 0, 2, 128], &network), Some(false));
        let mut six = [0; 32];
        six[..6].copy_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 7]);
        six[16..22].fill(0xff);
        let mut address = [0xee; 16];
        address[..6].copy_from_slice(&six[..6]);
        assert_eq!(address_within(&address, &six), Some(true));
        address[5] = 8;
        assert_eq!(address_within(&address, &six), Some(false));
        assert_eq!(address_within(&address, &network), Some(false), "one of the other kind is not inside");
        assert_eq!(address_within(&[192, 0, 2, 1], &[0; 8]), Some(true), "everything");
        assert_eq!(address_within(&[192, 0, 2, 1], &[192, 0, 2, 1, 255, 255, 255, 255]), Some(true));
        for (address, base) in [
            (&[192, 0, 2, 1][..], &[192, 0, 2, 0, 255, 0, 255, 0][..]),
            (&[192, 0, 2, 1], &[192, 0, 2, 0, 255, 255, 255, 253]),
            (&[192, 0, 2, 1], &[192, 0, 2, 0]),
            (&[192, 0, 2], &[0; 8]),
            (&[], &[]),
        ] {
            assert_eq!(address_within(address, base), None, "{address:?} in {base:?}");
        }
    }
}
