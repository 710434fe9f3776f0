-- What callers submit to be signed after their call: batches and who works on which of their documents; and requests that may
-- be repeated. Times are microseconds since 1970 (UTC), 0 where nothing has happened yet.

CREATE TABLE batch (
    tenant       TEXT   NOT NULL,
    job          TEXT   NOT NULL,
    owner        TEXT   NOT NULL,
    terms        TEXT   NOT NULL,
    submitted_at BIGINT NOT NULL,
    cancelled_at BIGINT NOT NULL DEFAULT 0,
    ended_at     BIGINT NOT NULL DEFAULT 0,
    swept_at     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, job),
    FOREIGN KEY (tenant, job) REFERENCES job (tenant, id)
);

CREATE INDEX batch_open ON batch (tenant, job) WHERE ended_at = 0;
CREATE INDEX batch_kept ON batch (tenant, ended_at) WHERE swept_at = 0;

-- A document is worked on by whoever has its lease; until `free_at` nobody else takes it. What became of it is in `document`.
CREATE TABLE batch_document (
    tenant       TEXT   NOT NULL,
    job          TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    reference    TEXT,
    has_original BIGINT NOT NULL,
    node         TEXT   NOT NULL DEFAULT '',
    lease        TEXT   NOT NULL DEFAULT '',
    free_at      BIGINT NOT NULL DEFAULT 0,
    attempts     BIGINT NOT NULL DEFAULT 0,
    ended        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, job, number),
    FOREIGN KEY (tenant, job, number) REFERENCES document (tenant, job, number)
);

-- Holds only what is still to do.
CREATE INDEX batch_document_open ON batch_document (tenant, job, number) WHERE ended = 0;

CREATE TABLE request (
    tenant      TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    request_key TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    job         TEXT   NOT NULL,
    asked_at    BIGINT NOT NULL,
    held_until  BIGINT NOT NULL,
    PRIMARY KEY (tenant, owner, request_key)
);

CREATE INDEX request_by_time ON request (tenant, asked_at);
