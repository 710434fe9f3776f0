//! Reads the table of NIST's suite.

use model::Time;
use std::sync::Arc;
use testkit::corpora::corpora;
use trust::path::{Anchors, Dates, PathInputs, Pool};
use trust::revocation::Material;
use trust::{Anchor, Cert, Model};

/// 2022-05-01, when all of NIST's certificates are valid that should be.
const NIST_TIME: i64 = 1_651_363_200;

/// One test.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) valid: bool,
    /// Invalid, but not because of its path.
    pub(crate) only_revocation: bool,
    pub(crate) subject: Cert,
    pub(crate) pool: Pool,
    pub(crate) anchors: Anchors,
    pub(crate) material: Material,
    pub(crate) inputs: PathInputs,
    pub(crate) at: Time,
}

pub(crate) fn rows() -> Option<Vec<Row>> {
    let folder = corpora("pkits")?;
    let read = |kind: &str, name: &str| -> Arc<[u8]> { std::fs::read(folder.join(kind).join(name)).unwrap().into() };
    let root = Cert::read(&read("certs", "TrustAnchorRootCertificate.crt")).unwrap();
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let rows = table.lines().skip(1).map(|row| {
        let columns: Vec<&str> = row.split('\t').collect();
        let files = |column: &str| -> Vec<String> {
            column.split(';').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let mut pool = Pool::new();
        assert!(pool.add_all(&files(columns[6]).iter().map(|name| read("certs", name)).collect::<Vec<_>>()));
        let mut material = Material::new();
        assert!(files(columns[7]).iter().all(|name| material.add_crl(&read("crls", name))));
        Row {
            id: columns[2].to_owned(),
            name: columns[3].to_owned(),
            valid: columns[1] == "valid",
            only_revocation: ["RevokedError", "InsufficientRevinfoError", "StaleRevinfoError"].contains(&columns[4]),
            subject: Cert::read(&read(".", columns[0])).unwrap(),
            pool,
            anchors: Anchors::new(vec![Anchor::plain(root.clone(), "NIST")]),
            material,
            inputs: inputs(columns[10]),
            at: Time::from_seconds(NIST_TIME),
        }
    });
    Some(rows.collect())
}

/// The column with parameters: a flat JSON object.
fn inputs(params: &str) -> PathInputs {
    let mut inputs = PathInputs::new(Model::Shell, Dates::All);
    let mut known = 0;
    let mut flag = |name: &str| {
        let set = params.contains(&format!("\"{name}\": true"));
        known += usize::from(set);
        set
    };
    inputs.explicit_policy = flag("initial_explicit_policy");
    inputs.mapping_inhibited = flag("initial_policy_mapping_inhibit");
    inputs.any_policy_inhibited = flag("initial_any_policy_inhibit");
    if let Some((_, list)) = params.split_once("\"user_initial_policy_set\": [") {
        known += 1;
        let list = list.split(']').next().unwrap();
        inputs.policies = list.split(',').map(|policy| oid(policy.trim().trim_matches('"'))).collect();
    }
    assert_eq!(known, params.matches("\": ").count(), "{params}");
    inputs
}

/// Policies of NIST's: 2.16.840.1.101.3.2.1.48.N
fn oid(dotted: &str) -> Vec<u8> {
    let last: u8 = dotted.strip_prefix("2.16.840.1.101.3.2.1.48.").unwrap().parse().unwrap();
    [b"\x60\x86\x48\x01\x65\x03\x02\x01\x30".as_slice(), &[last]].concat()
}
