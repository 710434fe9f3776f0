-- Valid on SQLite and PostgreSQL alike: only TEXT and BIGINT, times in microseconds since 1970 (UTC), ids and digests in
-- hexadecimal so that a person with sqlite3 or psql can read them.

CREATE TABLE job (
    tenant    TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    node      TEXT   NOT NULL,
    door      TEXT   NOT NULL,
    profile   TEXT   NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX job_by_door ON job (tenant, door, id);

CREATE TABLE document (
    tenant     TEXT   NOT NULL,
    job        TEXT   NOT NULL,
    number     BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    outcome    TEXT   NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'deferred', 'done', 'rejected')),
    code       TEXT,
    sentence   TEXT,
    format     TEXT,
    signer     TEXT,
    output     TEXT,
    outcome_at BIGINT,
    micros     BIGINT,
    PRIMARY KEY (tenant, job, number),
    FOREIGN KEY (tenant, job) REFERENCES job (tenant, id)
);

-- Holds only what is still to do, so that a restart finds it without reading the years before.
CREATE INDEX document_open ON document (tenant, job, number) WHERE outcome IN ('open', 'deferred');

CREATE TABLE token_login (
    tenant TEXT   NOT NULL,
    serial TEXT   NOT NULL,
    state  TEXT   NOT NULL CHECK (state IN ('free', 'attempting', 'blocked')),
    since  BIGINT NOT NULL,
    node   TEXT   NOT NULL,
    why    TEXT,
    PRIMARY KEY (tenant, serial)
);

CREATE TABLE audit (
    tenant      TEXT   NOT NULL,
    node        TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    happened_at BIGINT NOT NULL,
    who         TEXT   NOT NULL,
    what        TEXT   NOT NULL,
    object      TEXT   NOT NULL,
    signer      TEXT,
    detail      TEXT,
    chain       TEXT   NOT NULL,
    PRIMARY KEY (tenant, node, number)
);

CREATE INDEX audit_by_time ON audit (tenant, happened_at, node, number);
