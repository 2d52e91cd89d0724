-- Change data capture for ebp_lakehouse: what the administrator of EBP's database runs.
--
-- Made from the table registry by `ebp-lakehouse cdc script`. Run it in EBP's database, as a superuser:
--
--     ebp-lakehouse cdc script > cdc_setup.sql
--     psql --dbname=EBP --file=cdc_setup.sql
--     psql --dbname=EBP --command='\password ebp_lakehouse'
--
-- It changes no table and no row, and may be run again at any time: after an update of EBP, or when
-- `ebp-lakehouse doctor` asks for it. Needs PostgreSQL 15 or later and, in postgresql.conf:
--
--     wal_level = logical                 needs a restart
--     max_slot_wal_keep_size = 10GB       so that a lake that stopped reading cannot fill this server's disk
--
-- 1. The role ebp_lakehouse may log in, read the listed tables (without the columns that hold secrets) and decode
--    changes. It may not write. Only SQL is used: pg_hba.conf needs an ordinary line for it, none for `replication`.
-- 2. The publication ebp_lakehouse names the tables whose changes are decoded. A table enters only if it has a primary
--    key, or a replica identity chosen by you: PostgreSQL would refuse EBP's own UPDATE and DELETE on a published table
--    without one. What is left out is reported, and comes into the lake by the batch route.
--
-- Where a table has secret columns, the publication lists the other columns, and PostgreSQL then refuses to drop or
-- retype a listed one. Before an update of EBP that does: ALTER PUBLICATION ebp_lakehouse DROP TABLE "…"; afterwards run
-- this script again. Never drop the primary key of a published table without taking the table out first.
--
-- To undo everything: `ebp-lakehouse cdc stop` (drops the slot), then
--     DROP PUBLICATION ebp_lakehouse; DROP OWNED BY ebp_lakehouse; DROP ROLE ebp_lakehouse;

BEGIN;

DO $role$
BEGIN
  IF current_setting('server_version_num')::int < 150000 THEN
    RAISE EXCEPTION 'PostgreSQL 15 or later is needed: before, secret columns cannot be kept out of a publication';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ebp_lakehouse') THEN
    CREATE ROLE ebp_lakehouse LOGIN;
  END IF;
  ALTER ROLE ebp_lakehouse REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE;
  ALTER ROLE ebp_lakehouse SET default_transaction_read_only = on;
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO ebp_lakehouse', current_database());
END
$role$;

DO $tables$
DECLARE
  -- table → business key
  wanted constant jsonb := '{
    "SaleDocument": ["Id"],
    "SaleDocumentLine": ["Id"],
    "SaleDocumentEx": ["Id"],
    "DocumentLineAssociation": ["Id"],
    "SaleCreditMemoOrigin": ["Id"],
    "SaleCommitment": ["Id"],
    "SaleSettlement": ["Id"],
    "SaleSettlementCommitmentAssociation": ["Id"],
    "PeriodicInvoicing": ["Id"],
    "Customer": ["Id"],
    "CustomerFamily": ["Id"],
    "CustomerSubFamily": ["Id"],
    "Contact": ["Id"],
    "Country": ["IsoCode"],
    "SettlementMode": ["Id"],
    "Item": ["Id"],
    "ItemFamily": ["Id"],
    "ItemSubFamily": ["Id"],
    "ItemComponent": ["Id"],
    "Unit": ["Id"],
    "Vat": ["Id"],
    "ClassificationGroup": ["Id"],
    "SupplierItem": ["Id"],
    "ThirdReference": ["Id"],
    "Colleague": ["Id"],
    "ColleagueFamily": ["Id"],
    "ColleagueFunction": ["Id"],
    "Storehouse": ["Id"],
    "AccountingYear": ["Id"],
    "PurchaseDocument": ["Id"],
    "PurchaseDocumentLine": ["Id"],
    "PurchaseDocumentEx": ["Id"],
    "PurchaseCommitment": ["Id"],
    "PurchaseSettlement": ["Id"],
    "PurchaseSettlementCommitmentAssociation": ["Id"],
    "Supplier": ["Id"],
    "SupplierFamily": ["Id"],
    "StockItem": ["ItemId", "StorehouseId"],
    "StockMovement": ["Id"],
    "StockDocument": ["Id"],
    "StockDocumentLine": ["Id"],
    "ItemAccount": ["Id"],
    "Deal": ["Id"],
    "DealCustomer": ["Id"],
    "DealItem": ["Id"],
    "DealSaleDocument": ["Id"],
    "DealSaleDocumentLine": ["Id"],
    "DealPurchaseDocument": ["Id"],
    "DealPurchaseDocumentLine": ["Id"],
    "DealResourcesCost": ["Id"],
    "DealStockDocumentLine": ["Id"],
    "ScheduleEvent": ["Id"],
    "ScheduleEventType": ["Id"],
    "ScheduleEventCustomerProduct": ["Id"],
    "Activity": ["Id"],
    "Incident": ["Id"],
    "IncidentTemplate": ["Id"],
    "IncidentCustomerProduct": ["Id"],
    "MaintenanceContract": ["Id"],
    "MaintenanceContractCustomerProduct": ["Id"],
    "CustomerProduct": ["Id"],
    "ConstructionSite": ["Id"],
    "ColleagueCompetence": ["Id"],
    "PaymentType": ["Id"],
    "SettlementModeLine": ["Id"],
    "Zipcode": ["Id"],
    "States": ["Id"]
  }';
  -- columns never read: by name in any table, by name in one table, and by a name that looks like a secret's, unless the
  -- type can hold none: flags, numbers, dates, and a uuid that refers to another row
  secret_names constant text[] := ARRAY['userpassword', 'xx_cle_web', 'xx_cles_pc', 'xx_licence', 'xx_login_ticket', 'xx_mdp_ticket']::text[];
  secret_columns constant jsonb := '{}';
  secret_patterns constant text[] := ARRAY['passw', '(^|_)pwd($|_)', 'motdepasse', 'mot_de_passe', '(^|_)mdp($|_)', '(^|_)login($|_)', 'licen[cs]e($|_|key|cle)', '(^|_)cles?(_|$)', 'api_?key', 'secret', 'token', 'credential']::text[];
  harmless_types constant text[] := ARRAY['boolean', 'smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'money', 'date', 'interval', 'time', 'time without time zone', 'time with time zone', 'timestamp', 'timestamp without time zone', 'timestamp with time zone']::text[];
  reference_name constant text := '(Id|ID|_id)$';
  published text[] := '{}';
  left_out text[] := '{}';
  source record;
BEGIN
  FOR source IN
    WITH found AS (  -- the first of the search path, as the lake sees it
      SELECT DISTINCT ON (c.relname) c.*, n.nspname, w.value AS key
      FROM jsonb_each(wanted) w
      JOIN pg_class c ON c.relname = w.key AND c.relkind = ANY('{r,p,v,m,f}')
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ANY(current_schemas(false))
      ORDER BY c.relname, array_position(current_schemas(false), n.nspname)
    ), columns AS (
      SELECT f.oid AS relation, a.attnum, a.attname, a.attgenerated <> '' AS is_generated,
        NOT f.key ? a.attname AND (
          lower(a.attname) = ANY(secret_names)
          OR coalesce(secret_columns -> f.relname::text, '[]') ? lower(a.attname)
          OR (
            regexp_replace(format_type(a.atttypid, a.atttypmod), '\([^)]*\)', '') <> ALL(harmless_types)
            AND NOT (a.atttypid = 'uuid'::regtype AND a.attname ~ reference_name)
            AND EXISTS (SELECT FROM unnest(secret_patterns) pattern WHERE a.attname ~* pattern)
          )
        ) AS is_secret
      FROM found f
      JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
    ), identity AS (
      SELECT f.oid AS relation, array_agg(a.attnum) AS numbers, array_agg(a.attname::text) AS names
      FROM found f
      JOIN pg_index i ON i.indrelid = f.oid AND i.indisvalid AND i.indimmediate
        AND CASE f.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
      JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum = ANY(i.indkey::int2[])
      GROUP BY f.oid
    )
    SELECT f.nspname, f.relname, f.relkind,
      (SELECT count(*) FROM columns c WHERE c.relation = f.oid AND c.is_secret) AS secrets,
      (SELECT string_agg(format('%I', c.attname), ', ' ORDER BY c.attnum) FROM columns c
        WHERE c.relation = f.oid AND NOT c.is_secret) AS readable,
      (SELECT string_agg(format('%I', c.attname), ', ' ORDER BY c.attnum) FROM columns c
        WHERE c.relation = f.oid AND NOT c.is_secret AND NOT c.is_generated) AS publishable,
      CASE
        WHEN f.relkind <> 'r' OR f.relispartition OR f.relhassubclass THEN 'not an ordinary table'
        WHEN f.relpersistence <> 'p' THEN 'unlogged or temporary'
        WHEN EXISTS (SELECT FROM columns c WHERE c.relation = f.oid AND c.is_generated) THEN 'a generated column'
        WHEN f.relreplident = 'f' AND EXISTS (SELECT FROM columns c WHERE c.relation = f.oid AND c.is_secret)
          THEN 'secret columns and REPLICA IDENTITY FULL'
        WHEN f.relreplident = 'f' THEN NULL
        WHEN i.numbers IS NULL THEN 'no primary key and no replica identity'
        WHEN EXISTS (SELECT FROM columns c WHERE c.relation = f.oid AND c.is_secret AND c.attnum = ANY(i.numbers))
          THEN 'a secret column in its replica identity'
        WHEN NOT to_jsonb(i.names) @> f.key THEN 'a replica identity without the key ' || f.key::text
      END AS reason
    FROM found f LEFT JOIN identity i ON i.relation = f.oid
    ORDER BY f.relname
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO ebp_lakehouse', source.nspname);
    EXECUTE format('REVOKE ALL ON %I.%I FROM ebp_lakehouse', source.nspname, source.relname);
    EXECUTE format(
      'GRANT SELECT%s ON %I.%I TO ebp_lakehouse',
      CASE WHEN source.secrets > 0
        THEN ' (' || source.readable || CASE WHEN source.relkind IN ('r', 'm') THEN ', xmin)' ELSE ')' END
        ELSE '' END,
      source.nspname, source.relname
    );
    IF source.reason IS NULL THEN
      published := published || format(
        '%I.%I%s', source.nspname, source.relname,
        CASE WHEN source.secrets > 0 THEN ' (' || source.publishable || ')' ELSE '' END
      );
    ELSE
      left_out := left_out || format('%s (%s)', source.relname, source.reason);
    END IF;
  END LOOP;

  IF published = '{}' THEN
    RAISE EXCEPTION 'none of the tables of EBP was found with a primary key: is this the right database and search_path?';
  END IF;
  IF EXISTS (
    SELECT FROM pg_publication p WHERE pubname = 'ebp_lakehouse'
      AND (puballtables OR EXISTS (SELECT FROM pg_publication_namespace WHERE pnpubid = p.oid))
  ) THEN
    RAISE EXCEPTION 'a publication ebp_lakehouse for all tables exists: drop it first, it is a danger to EBP''s updates';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'ebp_lakehouse') THEN
    CREATE PUBLICATION ebp_lakehouse;
  END IF;
  -- Tables that stay as they are keep their place in the stream: nothing is read again because of this.
  EXECUTE 'ALTER PUBLICATION ebp_lakehouse SET TABLE ' || array_to_string(published, ', ');
  ALTER PUBLICATION ebp_lakehouse SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = false);
  RAISE NOTICE '% tables are published', cardinality(published);
  IF left_out <> '{}' THEN
    RAISE NOTICE 'left out (they come by the batch route): %', array_to_string(left_out, ', ');
  END IF;
END
$tables$;

COMMIT;
