//! Where a fetcher may go: any host that an operator has configured, or, for addresses that were found in documents,
//! public ones only. Knows no protocol.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use tokio::net::lookup_host;

/// The hosts that a fetcher may ask.
///
/// A certificate in a document is foreign input, and so are the addresses in it: whoever makes the document could let the
/// server knock at machines that only the server reaches. Behind a proxy names are resolved by the proxy, whose own
/// rules then decide about names; numeric addresses are still checked here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every host: all addresses come from the configuration.
    Anywhere,
    /// Hosts with public addresses, and these names or numeric addresses wherever they are. `.example.org` means all
    /// names below it.
    Public {
        /// The exceptions, for a CA in one's own network.
        except: Vec<String>,
    },
}

/// A host that may not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is in a private network and not among the hosts that may be asked there")]
pub(super) struct Forbidden(String);

impl Reach {
    fn excepts(&self, host: &str) -> bool {
        match self {
            Reach::Anywhere => true,
            Reach::Public { except } => except.iter().any(|pattern| match pattern.strip_prefix('.') {
                Some(_) => host.len() > pattern.len() && ends_with(host, pattern),
                None => host.eq_ignore_ascii_case(pattern),
            }),
        }
    }

    /// Checks what can be checked before names are resolved.
    pub(super) fn admits(&self, url: &Url) -> Result<(), Forbidden> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let private = match bare.parse::<IpAddr>() {
            Ok(address) => !is_public(address),
            Err(_) => bare.eq_ignore_ascii_case("localhost") || ends_with(bare, ".localhost"),
        };
        if private && !self.excepts(bare) { Err(Forbidden(bare.to_owned())) } else { Ok(()) }
    }

    /// Follows redirections to hosts within reach, by http and https, so many times.
    pub(super) fn redirections(&self, most: usize) -> redirect::Policy {
        let reach = self.clone();
        redirect::Policy::custom(move |attempt| {
            let secure_before = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if attempt.previous().len() > most {
                return attempt.error("too many redirections");
            }
            match attempt.url().scheme() {
                "https" => {}
                "http" if !secure_before => {}
                _ => return attempt.error("a redirection to an address that is not allowed"),
            }
            match reach.admits(attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(forbidden) => attempt.error(forbidden),
            }
        })
    }
}

fn ends_with(host: &str, ending: &str) -> bool {
    let start = host.len().checked_sub(ending.len());
    start.and_then(|start| host.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
}

/// Resolves names and leaves out the addresses that are not within reach. What it gives out is what is connected to, so
/// a name cannot mean something else a moment later.
pub(super) struct Guard {
    reach: Reach,
    /// The proxy, which is configured and may be anywhere.
    proxy_host: Option<String>,
}

impl Guard {
    pub(super) fn new(reach: Reach, proxy_host: Option<String>) -> Arc<Self> {
        Arc::new(Self { reach, proxy_host })
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let everywhere = self.reach.excepts(&host) || self.proxy_host.as_deref() == Some(&host);
        Box::pin(async move {
            let found: Vec<_> = lookup_host((host.as_str(), 0)).await?.collect();
            let kept: Vec<_> = found.into_iter().filter(|found| everywhere || is_public(found.ip())).collect();
            if kept.is_empty() {
                return Err(Forbidden(host).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet (IANA special-purpose address registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation();
    !special
        && !matches!(
            address.octets(),
            [0, ..] | [100, 64..=127, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..]
        )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // IPv4 in IPv6, through a translator, and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0x0db8, ..] | [0x2001, 0..=0x01ff, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Everything else that is given out begins with the bits 001.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn private_addresses_are_out_of_reach_unless_excepted() {
        let public = Reach::Public { except: vec!["10.1.2.3".into(), ".pki.example".into(), "::1".into()] };
        let admitted = |url: &str| public.admits(&Url::parse(url).unwrap()).is_ok();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:a00:1::]/",
            "http://169.254.169.254/latest",
            "http://100.64.0.1/",
            "http://10.1.2.4/",
            "http://localhost/",
            "http://a.LOCALHOST:80/",
            "http://0.0.0.0/",
        ] {
            assert!(!admitted(url), "{url}");
        }
        for url in [
            "http://10.1.2.3:8080/crl",
            "http://[::1]/",
            "http://ocsp.example.org/",
            "http://8.8.8.8/",
            "http://[2a00::1]/",
        ] {
            assert!(admitted(url), "{url}");
        }
        assert!(Reach::Anywhere.admits(&Url::parse("http://127.0.0.1/").unwrap()).is_ok());
        assert!(public.excepts("CA.pki.example") && !public.excepts("pki.example") && !public.excepts("xpki.example"));
    }
}
