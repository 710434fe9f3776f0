//! The second wall between tenants, on PostgreSQL: row-level security on every table with a tenant.
//!
//! The first wall is that every statement names its tenant. If one ever forgets it, the database shows and takes the rows of
//! the transaction's tenant only, and none where no tenant was told. Not a migration: it covers whatever tables later ones make.
//! FORCE binds the owner of the tables too, which is the role of the server. A superuser, and a role with BYPASSRLS, walks
//! through; the server says so when it starts as one.

use crate::error::StoreError;
use deadpool_postgres::Object;

/// Tells the tenant for the rest of a transaction.
pub(crate) const SET_TENANT: &str = "SELECT set_config('sealmill.tenant', $1, true)";

/// In place of a tenant where all of them are looked over. No tenant can have this name.
pub(crate) const ALL_TENANTS: &str = "*";

/// Tables whose rows may be read, never written, by who looks over all tenants: which tenants there are, and whose a client
/// certificate is.
const BUILD: &str = "DO $wall$
DECLARE name text;
BEGIN
    FOR name IN SELECT t.relname FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
        AND a.attname = 'tenant' AND NOT a.attisdropped
        AND NOT (t.relrowsecurity AND t.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p
            WHERE p.polrelid = t.oid AND p.polname = 'sealmill_tenant'))
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS sealmill_tenant ON %I', name);
        EXECUTE format('CREATE POLICY sealmill_tenant ON %I USING (tenant = current_setting(''sealmill.tenant'', true)) '
            || 'WITH CHECK (tenant = current_setting(''sealmill.tenant'', true))', name);
        IF name IN ('tenant', 'access_certificate') THEN
            EXECUTE format('DROP POLICY IF EXISTS sealmill_all ON %I', name);
            EXECUTE format('CREATE POLICY sealmill_all ON %I FOR SELECT '
                || 'USING (current_setting(''sealmill.tenant'', true) = ''*'')', name);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    END LOOP;
END
$wall$";

const BYPASSED: &str = "SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";

/// Builds what is missing of the wall. Touches no table that has it, so that servers which start later disturb nobody.
pub(crate) async fn build(client: &Object) -> Result<(), StoreError> {
    client.batch_execute(BUILD).await?;
    if client.query_opt(BYPASSED, &[]).await?.is_some() {
        tracing::warn!(
            "the role of the database is a superuser or may bypass row-level security: give the server its own role"
        );
    }
    Ok(())
}
