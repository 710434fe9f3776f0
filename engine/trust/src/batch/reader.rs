//! Reads the content of a batch strictly: one form, every member, nothing else.

use super::entry::{BatchCertificate, Entry, Role, Status, model_word, uses_of};
use super::{Batch, FORMAT, Refused, refused};
use crate::anchor::Model;
use crate::certificate::Cert;
use crate::json::is_invisible;
use crate::list::date_time;
use model::Time;
use model::limits::TRUST_BATCH_ITEMS_MAX;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

pub(super) fn read(content: &[u8]) -> Result<Batch, Refused> {
    let value: Value = serde_json::from_slice(content).map_err(|error| wrong(format!("it is no JSON ({error})")))?;
    let top = Object::new(&value, "the batch")?;
    let format = top.text("format")?;
    if format != FORMAT {
        return Err(wrong(format!("its format is \"{format}\", not \"{FORMAT}\"")));
    }
    let version = top.text("minServerVersion")?;
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let version = match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
        (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => (major, minor, patch),
        _ => return Err(wrong(format!("minServerVersion \"{version}\" is not three numbers"))),
    };
    let entries = top.list("entries")?.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    if !entries.windows(2).all(|pair| matches!(pair, [one, two] if one.id < two.id)) {
        return Err(wrong("its entries are not sorted by trustCentreId, or one is there twice"));
    }
    let removed = top.texts("removed")?;
    let there: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    if let Some(both) = removed.iter().find(|id| there.contains(id.as_str())) {
        return Err(wrong(format!("the trust centre \"{both}\" is there and removed")));
    }
    let next_key = match top.get("nextKey")? {
        Value::Null => None,
        _ => Some(top.digest("nextKey")?),
    };
    let sequence = top.get("seq")?.as_u64().filter(|number| i64::try_from(*number).is_ok());
    let batch = Batch {
        id: top.text("batchId")?,
        sequence: sequence.ok_or_else(|| wrong("seq is not a whole number"))?,
        issued: top.time("issuedAt")?.ok_or_else(|| wrong("issuedAt is missing"))?,
        valid_until: top.time("validUntil")?.ok_or_else(|| wrong("validUntil is missing"))?,
        min_server_version: version,
        next_key,
        entries,
        removed,
    };
    // Whatever else could differ (order, white space, members that nobody knows, how a number is written) is seen here.
    if batch.json().to_string().as_bytes() != content {
        return Err(wrong("it is not in its one form: sorted members, no white space, nothing unknown"));
    }
    Ok(batch)
}

fn entry(value: &Value) -> Result<Entry, Refused> {
    let object = Object::new(value, "an entry")?;
    let name = Object::new(object.get("name")?, "a name")?;
    let model = object.text("model")?;
    let model = [Model::Shell, Model::Chain, Model::Hybrid].into_iter().find(|one| model_word(*one) == model);
    Ok(Entry {
        id: object.text("trustCentreId")?,
        name: (name.text("de")?, name.text("en")?),
        country: object.text("country")?,
        legal_basis: object.text("legalBasis")?,
        model: model.ok_or_else(|| wrong("a model is not shell, chain or hybrid"))?,
        certificate_hash_required: object.flag("requireCertHash")?,
        certificates: object.list("certs")?.iter().map(certificate).collect::<Result<_, _>>()?,
        crl_urls: object.texts("crlUrls")?,
        ocsp_urls: object.texts("ocspUrls")?,
        ldap_urls: object.texts("ldapUrls")?,
        aia_override: object.flag("aiaOverride")?,
        supersedes: object.texts("supersedes")?,
    })
}

fn certificate(value: &Value) -> Result<BatchCertificate, Refused> {
    let object = Object::new(value, "a certificate")?;
    let der = object.octets("der")?;
    let certificate = Cert::read(&der.into()).map_err(|_| wrong("a certificate cannot be read"))?;
    if object.digest("sha256")? != certificate.id().0 {
        return Err(wrong("the digest beside a certificate is that of another one"));
    }
    let role = object.text("role")?;
    let role = Role::ALL.into_iter().find(|one| one.word() == role);
    let status = object.text("status")?;
    let status = [Status::Granted, Status::Withdrawn].into_iter().find(|one| one.word() == status);
    let use_for = object.texts("useFor")?;
    if use_for.iter().any(|word| uses_of(word).is_none()) {
        return Err(wrong("useFor names a use that nobody knows"));
    }
    Ok(BatchCertificate {
        certificate,
        role: role.ok_or_else(|| wrong("a role is not root, ca, ocsp, tsa or crl"))?,
        use_for,
        valid_from: object.time("validFrom")?,
        valid_to: object.time("validTo")?,
        status: status.ok_or_else(|| wrong("a status is not granted or withdrawn"))?,
    })
}

struct Object<'v> {
    members: &'v Map<String, Value>,
}

impl<'v> Object<'v> {
    fn new(value: &'v Value, what: &str) -> Result<Self, Refused> {
        let members = value.as_object().ok_or_else(|| wrong(format!("{what} is not an object")))?;
        Ok(Self { members })
    }

    fn get(&self, name: &str) -> Result<&'v Value, Refused> {
        self.members.get(name).ok_or_else(|| wrong(format!("{name} is missing")))
    }

    fn text(&self, name: &str) -> Result<String, Refused> {
        let text = self.get(name)?.as_str().ok_or_else(|| wrong(format!("{name} is not a text")))?;
        plain(text, name)
    }

    fn flag(&self, name: &str) -> Result<bool, Refused> {
        self.get(name)?.as_bool().ok_or_else(|| wrong(format!("{name} is not true or false")))
    }

    fn list(&self, name: &str) -> Result<&'v [Value], Refused> {
        let list = self.get(name)?.as_array().ok_or_else(|| wrong(format!("{name} is not a list")))?;
        if list.len() > TRUST_BATCH_ITEMS_MAX {
            return Err(wrong(format!("{name} has more than {TRUST_BATCH_ITEMS_MAX} items")));
        }
        Ok(list)
    }

    /// Sorted, each once.
    fn texts(&self, name: &str) -> Result<Vec<String>, Refused> {
        let text = |value: &Value| {
            let text = value.as_str().ok_or_else(|| wrong(format!("{name} holds something that is not a text")))?;
            plain(text, name)
        };
        let texts = self.list(name)?.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        match texts.windows(2).all(|pair| matches!(pair, [one, two] if one < two)) {
            true => Ok(texts),
            false => Err(wrong(format!("{name} is not sorted, or holds something twice"))),
        }
    }

    fn time(&self, name: &str) -> Result<Option<Time>, Refused> {
        match self.get(name)? {
            Value::Null => Ok(None),
            Value::String(text) => date_time(text).map(Some).ok_or_else(|| wrong(format!("{name} is not a time"))),
            _ => Err(wrong(format!("{name} is not a time"))),
        }
    }

    fn octets(&self, name: &str) -> Result<Vec<u8>, Refused> {
        let text = self.get(name)?.as_str().unwrap_or_default();
        let octets = base64_simd::STANDARD.decode_to_vec(text);
        octets.map_err(|_| wrong(format!("{name} is not Base64")))
    }

    fn digest(&self, name: &str) -> Result<[u8; 32], Refused> {
        self.octets(name)?.try_into().map_err(|_| wrong(format!("{name} is not a SHA-256 digest")))
    }
}

/// Text that looks like what it is.
fn plain(text: &str, name: &str) -> Result<String, Refused> {
    match text.chars().any(is_invisible) {
        true => Err(wrong(format!("{name} holds characters that cannot be seen"))),
        false => Ok(text.to_owned()),
    }
}

fn wrong(detail: impl std::fmt::Display) -> Refused {
    refused("batch-form", format!("the content of the batch is not in order: {detail}"))
}
