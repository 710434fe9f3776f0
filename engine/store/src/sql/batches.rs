//! Statements about batches and repeated requests.

/// Makes a batch. Doing it twice changes nothing.
pub(crate) const INSERT_BATCH: &str = "INSERT INTO batch (tenant, job, owner, terms, submitted_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, job) DO NOTHING";

/// Makes a document of a batch. Doing it twice changes nothing.
pub(crate) const INSERT_BATCH_DOCUMENT: &str = "INSERT INTO batch_document (tenant, job, number, reference, \
     has_original) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, job, number) DO NOTHING";

/// One batch.
pub(crate) const BATCH: &str = "SELECT b.owner, b.terms, j.profile, b.submitted_at, b.cancelled_at, b.ended_at, \
     b.swept_at FROM batch b JOIN job j ON j.tenant = b.tenant AND j.id = b.job WHERE b.tenant = $1 AND b.job = $2";

/// Batches with documents that nobody works on, oldest first.
pub(crate) const BATCHES_TO_DO: &str = "SELECT b.job, b.owner, b.terms, j.profile, b.cancelled_at FROM batch b \
     JOIN job j ON j.tenant = b.tenant AND j.id = b.job WHERE b.tenant = $1 AND b.ended_at = 0 \
     AND EXISTS (SELECT 1 FROM batch_document d WHERE d.tenant = b.tenant AND d.job = b.job AND d.ended = 0 \
     AND d.free_at <= $2) ORDER BY b.job LIMIT $3";

/// Takes documents that nobody works on. Two servers that choose the same ones wait for each other, and the second one finds
/// by the outer conditions that they are taken: the inner question need not be locked.
pub(crate) const BATCH_CLAIM: &str = "UPDATE batch_document SET node = $3, lease = $4, free_at = $5, \
     attempts = attempts + 1 WHERE tenant = $1 AND job = $2 AND ended = 0 AND free_at <= $6 AND number IN \
     (SELECT number FROM batch_document WHERE tenant = $1 AND job = $2 AND ended = 0 AND free_at <= $6 \
     ORDER BY number LIMIT $7)";

/// What was taken under a lease.
pub(crate) const BATCH_CLAIMED: &str = "SELECT b.number, b.attempts, b.has_original, d.name, d.outcome \
     FROM batch_document b JOIN document d ON d.tenant = b.tenant AND d.job = b.job AND d.number = b.number \
     WHERE b.tenant = $1 AND b.job = $2 AND b.lease = $3 AND b.ended = 0 ORDER BY b.number";

/// Keeps a lease.
pub(crate) const BATCH_RENEW: &str = "UPDATE batch_document SET free_at = $4 \
     WHERE tenant = $1 AND job = $2 AND lease = $3 AND ended = 0";

/// Gives a document back, to be tried again later. That it was tried is not held against it.
pub(crate) const BATCH_RELEASE: &str = "UPDATE batch_document SET lease = '', free_at = $5, attempts = attempts - 1 \
     WHERE tenant = $1 AND job = $2 AND number = $3 AND lease = $4 AND ended = 0";

/// Gives back what an earlier process of this server's name had taken.
pub(crate) const BATCH_RECLAIM: &str = "UPDATE batch_document SET lease = '', free_at = 0 \
     WHERE tenant = $1 AND node = $2 AND lease <> '' AND ended = 0";

/// Nothing more is to be done about a document.
pub(crate) const BATCH_DOCUMENT_END: &str = "UPDATE batch_document SET ended = 1, lease = '' \
     WHERE tenant = $1 AND job = $2 AND number = $3 AND ended = 0";

/// Ends a batch of which nothing is left to do.
pub(crate) const BATCH_END: &str = "UPDATE batch SET ended_at = $3 WHERE tenant = $1 AND job = $2 AND ended_at = 0 \
     AND NOT EXISTS (SELECT 1 FROM batch_document WHERE tenant = $1 AND job = $2 AND ended = 0)";

/// Batches without an end of which nothing is left to do: whoever should have ended them did not live to.
pub(crate) const BATCHES_TO_END: &str = "SELECT b.job FROM batch b WHERE b.tenant = $1 AND b.ended_at = 0 \
     AND NOT EXISTS (SELECT 1 FROM batch_document d WHERE d.tenant = b.tenant AND d.job = b.job AND d.ended = 0) \
     ORDER BY b.job LIMIT $2";

/// Cancels a batch.
pub(crate) const BATCH_CANCEL: &str = "UPDATE batch SET cancelled_at = $3 \
     WHERE tenant = $1 AND job = $2 AND ended_at = 0 AND cancelled_at = 0";

/// The callers' own names of documents.
pub(crate) const BATCH_REFERENCES: &str = "SELECT number, reference FROM batch_document \
     WHERE tenant = $1 AND job = $2 AND number > $3 ORDER BY number LIMIT $4";

/// Batches whose results have been kept for long enough.
pub(crate) const BATCHES_TO_SWEEP: &str = "SELECT job FROM batch WHERE tenant = $1 AND ended_at > 0 AND ended_at < $2 \
     AND swept_at = 0 ORDER BY ended_at LIMIT $3";

/// The results of a batch are gone.
pub(crate) const BATCH_SWEPT: &str = "UPDATE batch SET swept_at = $3 WHERE tenant = $1 AND job = $2 AND swept_at = 0";

/// Documents of batches of a tenant that somebody works on.
pub(crate) const BATCH_UNDER_WAY: &str = "SELECT count(*) FROM batch_document \
     WHERE tenant = $1 AND ended = 0 AND lease <> '' AND free_at > $2";

/// Takes a key for a request. None changed: it has been used.
pub(crate) const REQUEST_BEGIN: &str = "INSERT INTO request (tenant, owner, request_key, fingerprint, job, asked_at, \
     held_until) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, owner, request_key) DO NOTHING";

/// What a key was used for.
pub(crate) const REQUEST: &str = "SELECT fingerprint, job, asked_at, held_until FROM request \
     WHERE tenant = $1 AND owner = $2 AND request_key = $3";

/// Goes on with a request whose worker is not heard of any more, or has given up for now.
pub(crate) const REQUEST_TAKE_OVER: &str = "UPDATE request SET held_until = $5 \
     WHERE tenant = $1 AND owner = $2 AND request_key = $3 AND job = $4 AND held_until <= $6";

/// Keeps a request.
pub(crate) const REQUEST_HOLD: &str = "UPDATE request SET held_until = $5 \
     WHERE tenant = $1 AND owner = $2 AND request_key = $3 AND job = $4";

/// Forgets old requests.
pub(crate) const REQUESTS_FORGET: &str = "DELETE FROM request WHERE tenant = $1 AND asked_at < $2";

pub(crate) const ALL: &[(&str, &str)] = &[
    ("INSERT_BATCH", INSERT_BATCH),
    ("INSERT_BATCH_DOCUMENT", INSERT_BATCH_DOCUMENT),
    ("BATCH", BATCH),
    ("BATCHES_TO_DO", BATCHES_TO_DO),
    ("BATCH_CLAIM", BATCH_CLAIM),
    ("BATCH_CLAIMED", BATCH_CLAIMED),
    ("BATCH_RENEW", BATCH_RENEW),
    ("BATCH_RELEASE", BATCH_RELEASE),
    ("BATCH_RECLAIM", BATCH_RECLAIM),
    ("BATCH_DOCUMENT_END", BATCH_DOCUMENT_END),
    ("BATCH_END", BATCH_END),
    ("BATCHES_TO_END", BATCHES_TO_END),
    ("BATCH_CANCEL", BATCH_CANCEL),
    ("BATCH_REFERENCES", BATCH_REFERENCES),
    ("BATCHES_TO_SWEEP", BATCHES_TO_SWEEP),
    ("BATCH_SWEPT", BATCH_SWEPT),
    ("BATCH_UNDER_WAY", BATCH_UNDER_WAY),
    ("REQUEST_BEGIN", REQUEST_BEGIN),
    ("REQUEST", REQUEST),
    ("REQUEST_TAKE_OVER", REQUEST_TAKE_OVER),
    ("REQUEST_HOLD", REQUEST_HOLD),
    ("REQUESTS_FORGET", REQUESTS_FORGET),
];
