//! The statements of tenants, users, rights and sessions. Two of them look over all tenants and say so in their names.

/// Makes a tenant.
pub(crate) const TENANT_CREATE: &str = "INSERT INTO tenant (tenant, title, state, created_at, changed_at) \
     VALUES ($1, $2, 'active', $3, $3) ON CONFLICT (tenant) DO NOTHING";

/// Enables or disables a tenant.
pub(crate) const TENANT_STATE: &str = "UPDATE tenant SET state = $2, changed_at = $3 WHERE tenant = $1 AND state <> $2";

/// One tenant.
pub(crate) const TENANT: &str = "SELECT tenant, title, state, created_at FROM tenant WHERE tenant = $1";

/// All tenants.
pub(crate) const TENANTS_OF_ALL: &str = "SELECT tenant, title, state, created_at FROM tenant ORDER BY tenant";

/// Makes a user.
pub(crate) const USER_CREATE: &str = "INSERT INTO access_user (tenant, name, title, state, password, created_at, \
     changed_at) VALUES ($1, $2, $3, 'active', $4, $5, $5) ON CONFLICT (tenant, name) DO NOTHING";

/// Enables or disables a user.
pub(crate) const USER_STATE: &str =
    "UPDATE access_user SET state = $3, changed_at = $4 WHERE tenant = $1 AND name = $2 AND state <> $3";

/// Gives a user a password, or takes it.
pub(crate) const USER_PASSWORD: &str =
    "UPDATE access_user SET password = $3, changed_at = $4 WHERE tenant = $1 AND name = $2";

/// Gives a user another name for people.
pub(crate) const USER_TITLE: &str =
    "UPDATE access_user SET title = $3, changed_at = $4 WHERE tenant = $1 AND name = $2 AND title <> $3";

/// Removes a user; memberships and certificates go with it.
pub(crate) const USER_DELETE: &str = "DELETE FROM access_user WHERE tenant = $1 AND name = $2";

/// How many users there are.
pub(crate) const USERS_COUNT: &str = "SELECT count(*) FROM access_user WHERE tenant = $1";

/// A page of the users, each with the end of its lock.
pub(crate) const USERS: &str = "SELECT u.name, u.title, u.state, CAST(CASE WHEN u.password IS NULL THEN 0 ELSE 1 END AS BIGINT), \
     u.created_at, u.changed_at, coalesce(a.locked_until, 0) FROM access_user u LEFT JOIN access_attempt a \
     ON a.tenant = u.tenant AND a.user_name = u.name AND a.address = '' \
     WHERE u.tenant = $1 ORDER BY u.name LIMIT $2 OFFSET $3";

/// One user, in the form of a page.
pub(crate) const USER: &str = "SELECT u.name, u.title, u.state, CAST(CASE WHEN u.password IS NULL THEN 0 ELSE 1 END AS BIGINT), \
     u.created_at, u.changed_at, coalesce(a.locked_until, 0) FROM access_user u LEFT JOIN access_attempt a \
     ON a.tenant = u.tenant AND a.user_name = u.name AND a.address = '' WHERE u.tenant = $1 AND u.name = $2";

/// What a log-in needs to know of a user and its tenant.
pub(crate) const CREDENTIALS: &str = "SELECT t.state, u.state, u.password FROM tenant t LEFT JOIN access_user u \
     ON u.tenant = t.tenant AND u.name = $2 WHERE t.tenant = $1";

/// All rights of a user.
pub(crate) const RIGHTS_OF_USER: &str = "SELECT DISTINCT r.function, r.object FROM access_member m \
     JOIN access_right r ON r.tenant = m.tenant AND r.group_name = m.group_name \
     WHERE m.tenant = $1 AND m.user_name = $2 ORDER BY r.function, r.object";

/// Makes a group.
pub(crate) const GROUP_CREATE: &str = "INSERT INTO access_group (tenant, name, created_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant, name) DO NOTHING";

/// Removes a group; memberships and rights go with it.
pub(crate) const GROUP_DELETE: &str = "DELETE FROM access_group WHERE tenant = $1 AND name = $2";

/// All groups.
pub(crate) const GROUPS: &str = "SELECT name, created_at FROM access_group WHERE tenant = $1 ORDER BY name";

/// Puts a user into a group, if both are there.
pub(crate) const MEMBER_ADD: &str = "INSERT INTO access_member (tenant, user_name, group_name) \
     SELECT u.tenant, u.name, g.name FROM access_user u JOIN access_group g ON g.tenant = u.tenant \
     WHERE u.tenant = $1 AND u.name = $2 AND g.name = $3 ON CONFLICT (tenant, user_name, group_name) DO NOTHING";

/// Takes a user out of a group.
pub(crate) const MEMBER_REMOVE: &str =
    "DELETE FROM access_member WHERE tenant = $1 AND user_name = $2 AND group_name = $3";

/// Who is in which group: everybody, or those of one user (`$2`) or of one group (`$3`); empty: of all.
pub(crate) const MEMBERS: &str = "SELECT group_name, user_name FROM access_member \
     WHERE tenant = $1 AND ($2 = '' OR user_name = $2) AND ($3 = '' OR group_name = $3) \
     ORDER BY group_name, user_name LIMIT $4";

/// Gives a right to a group that is there.
pub(crate) const RIGHT_ADD: &str = "INSERT INTO access_right (tenant, group_name, function, object) \
     SELECT g.tenant, g.name, $3, $4 FROM access_group g WHERE g.tenant = $1 AND g.name = $2 \
     ON CONFLICT (tenant, group_name, function, object) DO NOTHING";

/// Takes it back.
pub(crate) const RIGHT_REMOVE: &str =
    "DELETE FROM access_right WHERE tenant = $1 AND group_name = $2 AND function = $3 AND object = $4";

/// The rights of all groups, or of one; empty: of all.
pub(crate) const RIGHTS: &str = "SELECT group_name, function, object FROM access_right \
     WHERE tenant = $1 AND ($2 = '' OR group_name = $2) ORDER BY group_name, function, object";

/// Registers a certificate for a user who is there and has fewer than `$7`.
pub(crate) const CERTIFICATE_ADD: &str = "INSERT INTO access_certificate (tenant, fingerprint, user_name, der, state, \
     registered_at, changed_at) SELECT u.tenant, $2, u.name, $4, $5, CAST($6 AS BIGINT), CAST($6 AS BIGINT) \
     FROM access_user u WHERE u.tenant = $1 AND u.name = $3 AND (SELECT count(*) FROM access_certificate c \
     WHERE c.tenant = u.tenant AND c.user_name = u.name AND c.state <> 'revoked') < $7 \
     ON CONFLICT (tenant, fingerprint) DO NOTHING";

/// Activates or revokes a certificate. What is revoked stays revoked.
pub(crate) const CERTIFICATE_STATE: &str = "UPDATE access_certificate SET state = $3, changed_at = $4 \
     WHERE tenant = $1 AND fingerprint = $2 AND state <> $3 AND state <> 'revoked'";

/// Certificates of one user, or of all; empty: of all.
pub(crate) const CERTIFICATES: &str = "SELECT tenant, fingerprint, user_name, der, state, registered_at, changed_at \
     FROM access_certificate WHERE tenant = $1 AND ($2 = '' OR user_name = $2) ORDER BY user_name, fingerprint LIMIT $3";

/// One certificate.
pub(crate) const CERTIFICATE: &str = "SELECT tenant, fingerprint, user_name, der, state, registered_at, changed_at \
     FROM access_certificate WHERE tenant = $1 AND fingerprint = $2";

/// In which tenants a certificate is active: one, if it can tell the tenant.
pub(crate) const CERTIFICATE_OF_ALL: &str = "SELECT tenant, fingerprint, user_name, der, state, registered_at, \
     changed_at FROM access_certificate WHERE fingerprint = $1 AND state = 'active' ORDER BY tenant LIMIT 2";

/// What is known of guesses: of this name, of this name at this address, of everybody at this address.
pub(crate) const ATTEMPTS: &str = "SELECT user_name, address, locked_until, accepted_at FROM access_attempt \
     WHERE tenant = $1 AND ((user_name = $2 AND address IN ('', $3)) OR (user_name = '' AND address = $3))";

/// Counts a wrong password unless it is locked, beginning anew if the last was before `$5`. `$6`: how long the first lock lasts.
/// Nothing is counted either while the name (`$7`) is locked at the address (`$8`).
pub(crate) const ATTEMPT_COUNT: &str = "INSERT INTO access_attempt (tenant, user_name, address, failures, penalty, \
     failed_at, locked_until, accepted_at) \
     SELECT $1, $2, $3, 1, CAST($6 AS BIGINT), CAST($4 AS BIGINT), 0, 0 WHERE NOT EXISTS (SELECT 1 FROM access_attempt p \
     WHERE p.tenant = $1 AND p.user_name = $7 AND p.address = $8 AND p.locked_until > $4) \
     ON CONFLICT (tenant, user_name, address) DO UPDATE SET \
     failures = CASE WHEN access_attempt.failed_at < $5 THEN 1 ELSE access_attempt.failures + 1 END, \
     penalty = CASE WHEN access_attempt.failed_at < $5 THEN excluded.penalty ELSE access_attempt.penalty END, \
     failed_at = excluded.failed_at WHERE access_attempt.locked_until <= excluded.failed_at";

/// Locks if there were `$5` wrong passwords. Longer each time, up to `$6`.
pub(crate) const ATTEMPT_LOCK: &str = "UPDATE access_attempt SET locked_until = $4 + penalty, failures = 0, \
     penalty = CASE WHEN penalty * 2 > $6 THEN $6 ELSE penalty * 2 END \
     WHERE tenant = $1 AND user_name = $2 AND address = $3 AND locked_until <= $4 AND failures >= $5";

/// A right password at an address that is not locked for this name.
pub(crate) const ATTEMPT_ACCEPT: &str = "INSERT INTO access_attempt (tenant, user_name, address, failures, penalty, \
     failed_at, locked_until, accepted_at) VALUES ($1, $2, $3, 0, $5, 0, 0, $4) \
     ON CONFLICT (tenant, user_name, address) DO UPDATE SET failures = 0, penalty = excluded.penalty, \
     accepted_at = excluded.accepted_at WHERE access_attempt.locked_until <= excluded.accepted_at";

/// Forgets what was guessed at a name, but not where it was accepted.
pub(crate) const ATTEMPT_CLEAR: &str = "UPDATE access_attempt SET failures = 0, failed_at = 0, locked_until = 0 \
     WHERE tenant = $1 AND user_name = $2 AND (failures > 0 OR locked_until > 0)";

/// Forgets a deleted user's addresses.
pub(crate) const ATTEMPT_FORGET: &str = "DELETE FROM access_attempt WHERE tenant = $1 AND user_name = $2";

/// Forgets what does not count any more.
pub(crate) const ATTEMPT_PURGE: &str = "DELETE FROM access_attempt \
     WHERE tenant = $1 AND failed_at < $2 AND locked_until < $2 AND accepted_at < $3";

/// Demands two persons for a function.
pub(crate) const FOUR_EYES_ADD: &str = "INSERT INTO access_four_eyes (tenant, function, since) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant, function) DO NOTHING";

/// Demands them no more.
pub(crate) const FOUR_EYES_REMOVE: &str = "DELETE FROM access_four_eyes WHERE tenant = $1 AND function = $2";

/// For which functions two persons are demanded.
pub(crate) const FOUR_EYES: &str = "SELECT function FROM access_four_eyes WHERE tenant = $1 ORDER BY function";

/// Keeps a change for a second person, if fewer than `$8` wait.
pub(crate) const PENDING_ADD: &str = "INSERT INTO access_pending (tenant, id, change, about, asked_by, asked_at, \
     expires_at, state) SELECT $1, $2, $3, $4, $5, CAST($6 AS BIGINT), CAST($7 AS BIGINT), 'waiting' \
     WHERE (SELECT count(*) FROM access_pending p WHERE p.tenant = $1 AND p.state = 'waiting' AND p.expires_at > $6) < $8 \
     ON CONFLICT (tenant, id) DO NOTHING";

/// A second person agrees, in time.
pub(crate) const PENDING_CONFIRM: &str = "UPDATE access_pending SET state = 'confirmed', change = '', \
     decided_by = $3, decided_at = $4 WHERE tenant = $1 AND id = $2 AND state = 'waiting' AND expires_at > $4 AND asked_by <> $3";

/// Somebody refuses, or takes it back.
pub(crate) const PENDING_REFUSE: &str = "UPDATE access_pending SET state = 'refused', change = '', \
     decided_by = $3, decided_at = $4 WHERE tenant = $1 AND id = $2 AND state = 'waiting'";

/// What waits, oldest first.
pub(crate) const PENDING_WAITING: &str = "SELECT id, change, about, asked_by, asked_at, expires_at, state, decided_by \
     FROM access_pending WHERE tenant = $1 AND state = 'waiting' AND expires_at > $2 ORDER BY asked_at, id LIMIT $3";

/// One of them, decided or not.
pub(crate) const PENDING: &str = "SELECT id, change, about, asked_by, asked_at, expires_at, state, decided_by \
     FROM access_pending WHERE tenant = $1 AND id = $2";

/// Opens a log-in session, if fewer than `$10` are open.
pub(crate) const SESSION_OPEN: &str = "INSERT INTO access_session (tenant, id, user_name, service_name, \
     service_address, browser_address, state, opened_by, opened_at, expires_at) \
     SELECT $1, $2, $3, $4, $5, $6, 1, $7, CAST($8 AS BIGINT), CAST($9 AS BIGINT) \
     WHERE (SELECT count(*) FROM access_session s WHERE s.tenant = $1 AND s.expires_at > $8) < $10 \
     ON CONFLICT (tenant, id) DO NOTHING";

/// One log-in session.
pub(crate) const SESSION: &str = "SELECT id, user_name, service_name, service_address, browser_address, state, opened_by, \
     opened_at, expires_at, decided_by FROM access_session WHERE tenant = $1 AND id = $2";

/// Log-in sessions that wait for a decision, of one user or of all; empty: of all.
pub(crate) const SESSIONS_WAITING: &str = "SELECT id, user_name, service_name, service_address, browser_address, state, \
     opened_by, opened_at, expires_at, decided_by FROM access_session \
     WHERE tenant = $1 AND expires_at > $2 AND state = 1 AND ($3 = '' OR user_name = $3) ORDER BY opened_at, id LIMIT $4";

/// Somebody decides about a session that waits.
pub(crate) const SESSION_DECIDE: &str = "UPDATE access_session SET state = $4, decided_by = $5, decided_at = $6 \
     WHERE tenant = $1 AND id = $2 AND state = $3 AND expires_at > $6";

/// From one state to another, in time.
pub(crate) const SESSION_MOVE: &str = "UPDATE access_session SET state = $4 \
     WHERE tenant = $1 AND id = $2 AND state = $3 AND expires_at > $5";

/// Gives a session more time.
pub(crate) const SESSION_PROLONG: &str =
    "UPDATE access_session SET expires_at = $3 WHERE tenant = $1 AND id = $2 AND state IN (3, 7) AND expires_at > $4";

/// Forgets a session.
pub(crate) const SESSION_DELETE: &str = "DELETE FROM access_session WHERE tenant = $1 AND id = $2";

/// Forgets sessions that ended before.
pub(crate) const SESSION_PURGE: &str = "DELETE FROM access_session WHERE tenant = $1 AND expires_at < $2";

/// All of them by name.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("TENANT_CREATE", TENANT_CREATE),
    ("TENANT_STATE", TENANT_STATE),
    ("TENANT", TENANT),
    ("TENANTS_OF_ALL", TENANTS_OF_ALL),
    ("USER_CREATE", USER_CREATE),
    ("USER_STATE", USER_STATE),
    ("USER_PASSWORD", USER_PASSWORD),
    ("USER_TITLE", USER_TITLE),
    ("USER_DELETE", USER_DELETE),
    ("USERS_COUNT", USERS_COUNT),
    ("USERS", USERS),
    ("USER", USER),
    ("CREDENTIALS", CREDENTIALS),
    ("RIGHTS_OF_USER", RIGHTS_OF_USER),
    ("GROUP_CREATE", GROUP_CREATE),
    ("GROUP_DELETE", GROUP_DELETE),
    ("GROUPS", GROUPS),
    ("MEMBER_ADD", MEMBER_ADD),
    ("MEMBER_REMOVE", MEMBER_REMOVE),
    ("MEMBERS", MEMBERS),
    ("RIGHT_ADD", RIGHT_ADD),
    ("RIGHT_REMOVE", RIGHT_REMOVE),
    ("RIGHTS", RIGHTS),
    ("CERTIFICATE_ADD", CERTIFICATE_ADD),
    ("CERTIFICATE_STATE", CERTIFICATE_STATE),
    ("CERTIFICATES", CERTIFICATES),
    ("CERTIFICATE", CERTIFICATE),
    ("CERTIFICATE_OF_ALL", CERTIFICATE_OF_ALL),
    ("ATTEMPTS", ATTEMPTS),
    ("ATTEMPT_COUNT", ATTEMPT_COUNT),
    ("ATTEMPT_LOCK", ATTEMPT_LOCK),
    ("ATTEMPT_ACCEPT", ATTEMPT_ACCEPT),
    ("ATTEMPT_CLEAR", ATTEMPT_CLEAR),
    ("ATTEMPT_FORGET", ATTEMPT_FORGET),
    ("ATTEMPT_PURGE", ATTEMPT_PURGE),
    ("FOUR_EYES_ADD", FOUR_EYES_ADD),
    ("FOUR_EYES_REMOVE", FOUR_EYES_REMOVE),
    ("FOUR_EYES", FOUR_EYES),
    ("PENDING_ADD", PENDING_ADD),
    ("PENDING_CONFIRM", PENDING_CONFIRM),
    ("PENDING_REFUSE", PENDING_REFUSE),
    ("PENDING_WAITING", PENDING_WAITING),
    ("PENDING", PENDING),
    ("SESSION_OPEN", SESSION_OPEN),
    ("SESSION", SESSION),
    ("SESSIONS_WAITING", SESSIONS_WAITING),
    ("SESSION_DECIDE", SESSION_DECIDE),
    ("SESSION_MOVE", SESSION_MOVE),
    ("SESSION_PROLONG", SESSION_PROLONG),
    ("SESSION_DELETE", SESSION_DELETE),
    ("SESSION_PURGE", SESSION_PURGE),
];
