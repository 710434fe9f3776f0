//! Every SQL statement, once, in a form that SQLite and PostgreSQL both take.
//!
//! Placeholders are `$1`, `$2`, …; SQLite numbers them by first appearance, so its side binds them by name. Columns are
//! TEXT and BIGINT only. Nothing here is put together at run time. `$1` is the tenant: PostgreSQL shows the rows of that
//! tenant only, whatever the rest of the statement says (see `wall`).

pub(crate) mod access;
pub(crate) mod batches;

/// Makes a job. Doing it twice changes nothing, so that a caller may repeat an attempt with an unknown end.
pub(crate) const INSERT_JOB: &str = "INSERT INTO job (tenant, id, node, door, profile, opened_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, id) DO NOTHING";

/// Makes a document. Doing it twice changes nothing.
pub(crate) const INSERT_DOCUMENT: &str = "INSERT INTO document (tenant, job, number, name) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, job, number) DO NOTHING";

/// Gives a document its outcome unless it already has a final one.
pub(crate) const END_DOCUMENT: &str = "UPDATE document SET outcome = $4, code = $5, sentence = $6, format = $7, \
     signer = $8, output = $9, outcome_at = $10, micros = $11 \
     WHERE tenant = $1 AND job = $2 AND number = $3 AND outcome IN ('open', 'deferred')";

/// Makes a document that has its outcome. Doing it twice changes nothing.
pub(crate) const INSERT_WHOLE_DOCUMENT: &str = "INSERT INTO document (tenant, job, number, outcome, code, sentence, \
     format, signer, output, outcome_at, micros, name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     ON CONFLICT (tenant, job, number) DO NOTHING";

/// What is still to do for a door of a server. CROSS JOIN keeps SQLite on the small index of open documents; PostgreSQL treats it
/// as any other join.
pub(crate) const OPEN_DOCUMENTS: &str = "SELECT d.job, d.number, d.name FROM document d CROSS JOIN job j \
     WHERE d.tenant = $1 AND d.outcome IN ('open', 'deferred') AND (d.job, d.number) > ($3, $4) \
     AND j.tenant = d.tenant AND j.id = d.job AND j.door = $2 AND j.node = $6 \
     ORDER BY d.job, d.number LIMIT $5";

/// One document.
pub(crate) const DOCUMENT: &str = "SELECT number, name, outcome, code, sentence, format, signer, output, outcome_at, \
     micros FROM document WHERE tenant = $1 AND job = $2 AND number = $3";

/// A page of a job's documents.
pub(crate) const DOCUMENTS: &str = "SELECT number, name, outcome, code, sentence, format, signer, output, outcome_at, \
     micros FROM document WHERE tenant = $1 AND job = $2 AND number > $3 ORDER BY number LIMIT $4";

/// One job.
pub(crate) const JOB: &str = "SELECT id, node, door, profile, opened_at FROM job WHERE tenant = $1 AND id = $2";

/// A page of a door's jobs, newest first.
pub(crate) const JOBS: &str = "SELECT id, node, door, profile, opened_at FROM job \
     WHERE tenant = $1 AND door = $2 AND id < $3 ORDER BY id DESC LIMIT $4";

/// Documents of a job by outcome, and when the last of each ended.
pub(crate) const COUNT_JOB: &str = "SELECT outcome, count(*), max(outcome_at) FROM document \
     WHERE tenant = $1 AND job = $2 GROUP BY outcome";

/// Documents of a door by outcome, and when the last of each ended.
pub(crate) const COUNT_DOOR: &str = "SELECT d.outcome, count(*), max(d.outcome_at) FROM job j \
     JOIN document d ON d.tenant = j.tenant AND d.job = j.id \
     WHERE j.tenant = $1 AND j.door = $2 GROUP BY d.outcome";

/// Compare and set: only a token that is free (or was never seen) becomes `attempting`. One row changed means the
/// attempt is ours; none means somebody else's attempt or a block stands.
pub(crate) const LOGIN_BEGIN: &str = "INSERT INTO token_login (tenant, serial, state, since, node, why) \
     VALUES ($1, $2, 'attempting', $3, $4, NULL) ON CONFLICT (tenant, serial) DO UPDATE \
     SET state = 'attempting', since = excluded.since, node = excluded.node, why = NULL \
     WHERE token_login.state = 'free'";

/// Ends this node's attempt without a block.
pub(crate) const LOGIN_FREE: &str = "UPDATE token_login SET state = 'free', since = $3, why = NULL \
     WHERE tenant = $1 AND serial = $2 AND node = $4 AND state = 'attempting'";

/// Blocks a token, whatever its state was: a refusal is a fact.
pub(crate) const LOGIN_BLOCK: &str = "INSERT INTO token_login (tenant, serial, state, since, node, why) \
     VALUES ($1, $2, 'blocked', $3, $4, $5) ON CONFLICT (tenant, serial) DO UPDATE \
     SET state = 'blocked', since = excluded.since, node = excluded.node, why = excluded.why";

/// An operator's decision: the next attempt may be made.
pub(crate) const LOGIN_CLEAR: &str = "UPDATE token_login SET state = 'free', since = $3, why = NULL \
     WHERE tenant = $1 AND serial = $2 AND state <> 'free'";

/// The login state of one token.
pub(crate) const LOGIN_STATE: &str =
    "SELECT serial, state, since, node, why FROM token_login WHERE tenant = $1 AND serial = $2";

/// The login states of all tokens.
pub(crate) const LOGIN_STATES: &str =
    "SELECT serial, state, since, node, why FROM token_login WHERE tenant = $1 ORDER BY serial";

/// Appends to a chain. Never updated, never deleted.
pub(crate) const INSERT_AUDIT: &str = "INSERT INTO audit (tenant, node, number, happened_at, who, what, object, \
     signer, detail, chain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// The end of one chain.
pub(crate) const AUDIT_HEAD: &str =
    "SELECT number, chain FROM audit WHERE tenant = $1 AND node = $2 ORDER BY number DESC LIMIT 1";

/// A page of the log in the order of time.
pub(crate) const AUDIT_BY_TIME: &str = "SELECT node, number, happened_at, who, what, object, signer, detail, chain \
     FROM audit WHERE tenant = $1 AND (happened_at, node, number) > ($2, $3, $4) \
     ORDER BY happened_at, node, number LIMIT $5";

/// A page of the log in the order of the chains.
pub(crate) const AUDIT_BY_CHAIN: &str = "SELECT node, number, happened_at, who, what, object, signer, detail, chain \
     FROM audit WHERE tenant = $1 AND (node, number) > ($2, $3) ORDER BY node, number LIMIT $4";

/// Keeps a source unless what is kept has the same or a higher number.
pub(crate) const TRUST_IMPORT: &str = "INSERT INTO trust_source (tenant, name, kind, sequence, issued_at, keys, octets, \
     imported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, name) DO UPDATE \
     SET sequence = excluded.sequence, issued_at = excluded.issued_at, keys = excluded.keys, \
     octets = excluded.octets, imported_at = excluded.imported_at \
     WHERE trust_source.kind = excluded.kind AND trust_source.sequence < excluded.sequence";

/// All sources.
pub(crate) const TRUST_SOURCES: &str = "SELECT name, kind, sequence, issued_at, keys, octets, imported_at \
     FROM trust_source WHERE tenant = $1 ORDER BY name";

/// Allows a trust centre.
pub(crate) const TRUST_ALLOW: &str = "INSERT INTO trust_allowed (tenant, source, centre, allowed_at, allowed_by) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, source, centre) DO NOTHING";

/// Takes the allowance back.
pub(crate) const TRUST_DENY: &str = "DELETE FROM trust_allowed WHERE tenant = $1 AND source = $2 AND centre = $3";

/// All allowances.
pub(crate) const TRUST_ALLOWED: &str = "SELECT source, centre, allowed_at, allowed_by FROM trust_allowed \
     WHERE tenant = $1 ORDER BY source, centre";

/// All statements by name: each is prepared when a store is opened, so that a foreign or altered schema is noticed then.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().chain(access::ALL).chain(batches::ALL).copied()
}

const ALL: &[(&str, &str)] = &[
    ("INSERT_JOB", INSERT_JOB),
    ("INSERT_DOCUMENT", INSERT_DOCUMENT),
    ("END_DOCUMENT", END_DOCUMENT),
    ("INSERT_WHOLE_DOCUMENT", INSERT_WHOLE_DOCUMENT),
    ("OPEN_DOCUMENTS", OPEN_DOCUMENTS),
    ("DOCUMENT", DOCUMENT),
    ("DOCUMENTS", DOCUMENTS),
    ("JOB", JOB),
    ("JOBS", JOBS),
    ("COUNT_JOB", COUNT_JOB),
    ("COUNT_DOOR", COUNT_DOOR),
    ("LOGIN_BEGIN", LOGIN_BEGIN),
    ("LOGIN_FREE", LOGIN_FREE),
    ("LOGIN_BLOCK", LOGIN_BLOCK),
    ("LOGIN_CLEAR", LOGIN_CLEAR),
    ("LOGIN_STATE", LOGIN_STATE),
    ("LOGIN_STATES", LOGIN_STATES),
    ("INSERT_AUDIT", INSERT_AUDIT),
    ("AUDIT_HEAD", AUDIT_HEAD),
    ("AUDIT_BY_TIME", AUDIT_BY_TIME),
    ("AUDIT_BY_CHAIN", AUDIT_BY_CHAIN),
    ("TRUST_IMPORT", TRUST_IMPORT),
    ("TRUST_SOURCES", TRUST_SOURCES),
    ("TRUST_ALLOW", TRUST_ALLOW),
    ("TRUST_DENY", TRUST_DENY),
    ("TRUST_ALLOWED", TRUST_ALLOWED),
];

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn every_statement_is_about_one_tenant_or_says_that_it_is_not() {
        for (name, statement) in all() {
            let of_one = statement.contains("tenant = $1") || statement.contains("(tenant, ");
            assert_ne!(name.ends_with("_OF_ALL"), of_one, "{name}");
            assert!(!name.ends_with("_OF_ALL") || statement.starts_with("SELECT "), "{name} writes for all tenants");
        }
        assert_eq!(all().filter(|(name, _)| name.ends_with("_OF_ALL")).count(), 2);
    }
}
