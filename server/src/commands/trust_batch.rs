//! `sealmill trust batch create`: a certificate batch from a description in TOML, signed as CAdES around its content.

use super::one_off;
use super::submit::{self, Work};
use crate::cli::KeyArguments;
use crate::{moment, verification};
use anyhow::{Context, bail};
use formats::inspect::ObjectId;
use model::{Clock, SystemClock, Time};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use trust::batch::{Batch, BatchCertificate, Entry, Role, Status};
use trust::{Cert, Model};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    id: String,
    sequence: u64,
    valid_until: String,
    #[serde(default)]
    min_server_version: [u32; 3],
    next_key: Option<PathBuf>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    centre: Vec<CentreDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CentreDescription {
    id: String,
    name_de: String,
    name_en: String,
    country: String,
    legal_basis: String,
    #[serde(default)]
    model: ModelWord,
    #[serde(default)]
    certificate_hash_required: bool,
    #[serde(default)]
    crl_urls: Vec<String>,
    #[serde(default)]
    ocsp_urls: Vec<String>,
    #[serde(default)]
    ldap_urls: Vec<String>,
    #[serde(default)]
    aia_override: bool,
    #[serde(default)]
    supersedes: Vec<String>,
    certificate: Vec<CertificateDescription>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModelWord {
    #[default]
    Shell,
    Chain,
    Hybrid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateDescription {
    file: PathBuf,
    role: String,
    use_for: Vec<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    #[serde(default)]
    withdrawn: bool,
}

/// Makes and signs the batch; its name is that of the description with `.json.p7m`.
pub fn create(
    config: Option<&Path>,
    input: &Path,
    key: &KeyArguments,
    output: &Path,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(input).with_context(|| format!("{} cannot be read", input.display()))?;
    let home = input.parent().unwrap_or(Path::new("."));
    let batch = batch(toml::from_str(&text).with_context(|| input.display().to_string())?, home)?;
    std::fs::create_dir_all(output).with_context(|| format!("{} cannot be made", output.display()))?;
    let folder = tempfile_in(output)?;
    let stem = input.file_stem().context("the description has no name")?;
    let content = folder.join(Path::new(stem).with_extension("json"));
    std::fs::write(&content, batch.to_json()?)?;
    let mut config = one_off::config(config)?;
    let pool = one_off::add_key(&mut config, key)?;
    let text = format!(
        "[[profile]]\nname = \"trust-batch\"\npool = {}\nformat = \"cades\"\ndetached = false\n",
        one_off::quoted(&pool)
    );
    let profile = one_off::profile(&text)?.resolve(&config.home, None).map_err(anyhow::Error::msg)?;
    let work = Work {
        config,
        profile: Arc::new(profile),
        files: vec![content],
        together: false,
        original: None,
        output: output.to_owned(),
    };
    let done = submit::run(work, as_json);
    let _ = std::fs::remove_dir_all(folder);
    done
}

/// A folder of this process's own for the content before it is signed.
fn tempfile_in(output: &Path) -> anyhow::Result<PathBuf> {
    let folder = output.join(format!(".{}", one_off::node_name()));
    std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

fn batch(description: Description, home: &Path) -> anyhow::Result<Batch> {
    let time = |text: &str| moment::parse(text).map_err(anyhow::Error::msg);
    let whole_seconds = |time: Time| Time::from_seconds(time.seconds());
    let [major, minor, patch] = description.min_server_version;
    let next_key = description.next_key.map(|file| -> anyhow::Result<[u8; 32]> {
        Ok(ObjectId::of(certificate(home, &file)?.fields()?.public_key.raw).0)
    });
    let mut entries: Vec<Entry> =
        description.centre.into_iter().map(|centre| entry(centre, home)).collect::<anyhow::Result<_>>()?;
    entries.sort_by(|one, other| one.id.cmp(&other.id));
    let mut removed = description.removed;
    removed.sort();
    Ok(Batch {
        id: description.id,
        sequence: description.sequence,
        issued: whole_seconds(SystemClock.now()),
        valid_until: whole_seconds(time(&description.valid_until)?),
        min_server_version: (major, minor, patch),
        next_key: next_key.transpose()?,
        entries,
        removed,
    })
}

fn entry(centre: CentreDescription, home: &Path) -> anyhow::Result<Entry> {
    let mut certificates = Vec::new();
    for held in centre.certificate {
        let role = Role::ALL.into_iter().find(|role| role.word() == held.role);
        let time = |text: Option<String>| text.map(|text| moment::parse(&text)).transpose().map_err(anyhow::Error::msg);
        let mut use_for = held.use_for;
        use_for.sort();
        certificates.push(BatchCertificate {
            certificate: certificate(home, &held.file)?,
            role: role.with_context(|| format!("{:?} is no role: root, ca, ocsp, tsa or crl", held.role))?,
            use_for,
            valid_from: time(held.valid_from)?,
            valid_to: time(held.valid_to)?,
            status: if held.withdrawn { Status::Withdrawn } else { Status::Granted },
        });
    }
    certificates.sort_by_key(|held| held.certificate.id());
    Ok(Entry {
        id: centre.id,
        name: (centre.name_de, centre.name_en),
        country: centre.country,
        legal_basis: centre.legal_basis,
        model: match centre.model {
            ModelWord::Shell => Model::Shell,
            ModelWord::Chain => Model::Chain,
            ModelWord::Hybrid => Model::Hybrid,
        },
        certificate_hash_required: centre.certificate_hash_required,
        certificates,
        crl_urls: centre.crl_urls,
        ocsp_urls: centre.ocsp_urls,
        ldap_urls: centre.ldap_urls,
        aia_override: centre.aia_override,
        supersedes: centre.supersedes,
    })
}

fn certificate(home: &Path, file: &Path) -> anyhow::Result<Cert> {
    let certificates = verification::certificates(&[home.join(file)]).map_err(anyhow::Error::msg)?;
    let [der] = certificates.as_slice() else { bail!("{} must hold one certificate", file.display()) };
    Cert::read(der).with_context(|| format!("{} cannot be read", file.display()))
}
