-- Who may do what: tenants, users and how they show who they are, groups and their rights, guesses at passwords, changes that
-- wait for a second person, log-in sessions. No password is here, only what argon2id makes of it. Times are microseconds since
-- 1970 (UTC), 0 where nothing has happened yet; certificates are DER in Base64, fingerprints SHA-256 in hexadecimal.

CREATE TABLE tenant (
    tenant     TEXT   NOT NULL PRIMARY KEY,
    title      TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('active', 'disabled')),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE access_user (
    tenant     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    title      TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('active', 'disabled')),
    password   TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name),
    FOREIGN KEY (tenant) REFERENCES tenant (tenant)
);

CREATE TABLE access_certificate (
    tenant        TEXT   NOT NULL,
    fingerprint   TEXT   NOT NULL,
    user_name     TEXT   NOT NULL,
    der           TEXT   NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('pending', 'active', 'revoked')),
    registered_at BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant, fingerprint),
    FOREIGN KEY (tenant, user_name) REFERENCES access_user (tenant, name) ON DELETE CASCADE
);

-- A client certificate may be all that is known of a caller, not even the tenant.
CREATE INDEX access_certificate_by_fingerprint ON access_certificate (fingerprint);
CREATE INDEX access_certificate_by_user ON access_certificate (tenant, user_name);

CREATE TABLE access_group (
    tenant     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name),
    FOREIGN KEY (tenant) REFERENCES tenant (tenant)
);

CREATE TABLE access_member (
    tenant     TEXT   NOT NULL,
    user_name  TEXT   NOT NULL,
    group_name TEXT   NOT NULL,
    PRIMARY KEY (tenant, user_name, group_name),
    FOREIGN KEY (tenant, user_name) REFERENCES access_user (tenant, name) ON DELETE CASCADE,
    FOREIGN KEY (tenant, group_name) REFERENCES access_group (tenant, name) ON DELETE CASCADE
);

CREATE INDEX access_member_by_group ON access_member (tenant, group_name);

-- An empty object: all of the tenant.
CREATE TABLE access_right (
    tenant     TEXT   NOT NULL,
    group_name TEXT   NOT NULL,
    function   TEXT   NOT NULL,
    object     TEXT   NOT NULL,
    PRIMARY KEY (tenant, group_name, function, object),
    FOREIGN KEY (tenant, group_name) REFERENCES access_group (tenant, name) ON DELETE CASCADE
);

-- Wrong passwords by name and address; without an address: from everywhere; without a name: of everybody at that address. Names
-- that no user has are counted like others, so that nobody learns which names exist.
CREATE TABLE access_attempt (
    tenant       TEXT   NOT NULL,
    user_name    TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    failures     BIGINT NOT NULL,
    penalty      BIGINT NOT NULL,
    failed_at    BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    accepted_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_name, address)
);

CREATE INDEX access_attempt_by_time ON access_attempt (tenant, failed_at);

-- Functions for which two persons are demanded.
CREATE TABLE access_four_eyes (
    tenant   TEXT   NOT NULL,
    function TEXT   NOT NULL,
    since    BIGINT NOT NULL,
    PRIMARY KEY (tenant, function)
);

CREATE TABLE access_pending (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    change     TEXT   NOT NULL,
    about      TEXT   NOT NULL,
    asked_by   TEXT   NOT NULL,
    asked_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('waiting', 'confirmed', 'refused')),
    decided_by TEXT,
    decided_at BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX access_pending_waiting ON access_pending (tenant, asked_at) WHERE state = 'waiting';

-- Sessions of people who log in to another service through this server; the numbers of their states are those that clients know.
CREATE TABLE access_session (
    tenant          TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    user_name       TEXT   NOT NULL,
    service_name    TEXT   NOT NULL,
    service_address TEXT   NOT NULL,
    browser_address TEXT   NOT NULL,
    state           BIGINT NOT NULL,
    opened_by       TEXT   NOT NULL,
    opened_at       BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    decided_by      TEXT,
    decided_at      BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX access_session_by_expiry ON access_session (tenant, expires_at);
