//! The documents that were handed in beside a detached signature, as one source with members.

use crate::inspect::Detached;
use crate::source::{Member, Source, SourceError};

/// Several documents one behind the other.
pub(super) struct Files<'a> {
    parts: Vec<(&'a str, &'a dyn Source)>,
}

impl<'a> Files<'a> {
    /// `None` if no document was handed in.
    pub(super) fn of(detached: &'a [Detached<'a>]) -> Option<Self> {
        let parts: Vec<_> = detached
            .iter()
            .filter_map(|detached| match detached {
                Detached::Document { name, source } => Some((*name, *source)),
                Detached::Digest(..) => None,
            })
            .collect();
        (!parts.is_empty()).then_some(Self { parts })
    }
}

impl Source for Files<'_> {
    fn len(&self) -> u64 {
        self.parts.iter().map(|(_, source)| source.len()).sum()
    }

    fn read_exact_at(&self, offset: u64, mut buffer: &mut [u8]) -> Result<(), SourceError> {
        let (mut start, mut at) = (0_u64, offset);
        for (_, source) in &self.parts {
            let end = start + source.len();
            if at < end && !buffer.is_empty() {
                let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
                let (now, later) = buffer.split_at_mut(count);
                source.read_exact_at(at - start, now)?;
                buffer = later;
                at += count as u64;
            }
            start = end;
        }
        match buffer.is_empty() {
            true => Ok(()),
            false => Err(SourceError(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn as_slice(&self) -> Option<&[u8]> {
        match &self.parts[..] {
            [(_, source)] => source.as_slice(),
            _ => None,
        }
    }

    fn members(&self) -> Vec<Member> {
        let mut start = 0;
        let member = |(name, source): &(&str, &dyn Source)| {
            let range = start..start + source.len();
            start = range.end;
            Member { name: Some((*name).to_owned()), range }
        };
        self.parts.iter().map(member).collect()
    }
}
