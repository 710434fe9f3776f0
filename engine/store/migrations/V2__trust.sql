-- Whom tenants trust: what was imported (signed certificate batches, trusted lists), and which trust centres of it an
-- administrator allows. Octets are Base64, times microseconds since 1970 (UTC).

CREATE TABLE trust_source (
    tenant      TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('batch', 'list')),
    sequence    BIGINT NOT NULL,
    issued_at   BIGINT NOT NULL,
    keys        TEXT   NOT NULL,
    octets      TEXT   NOT NULL,
    imported_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE trust_allowed (
    tenant     TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    centre     TEXT   NOT NULL,
    allowed_at BIGINT NOT NULL,
    allowed_by TEXT   NOT NULL,
    PRIMARY KEY (tenant, source, centre)
);
