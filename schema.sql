-- The schema after all migrations, as the database tells it. Written by
-- `sh tools/node.sh tools/dump-schema.ts`; test/schema.test.ts compares. Never edited, never run.

create table account_balances (
  organization_id integer not null,
  account text not null,
  currency text not null,
  debit_minor bigint not null default 0,
  credit_minor bigint not null default 0,
  constraint account_balances_pkey PRIMARY KEY (organization_id, account, currency),
  constraint account_balances_organization_id_account_fkey FOREIGN KEY (organization_id, account) REFERENCES accounts(organization_id, code),
  constraint account_balances_credit_minor_check CHECK ((credit_minor >= 0)),
  constraint account_balances_debit_minor_check CHECK ((debit_minor >= 0))
);

create table accounts (
  organization_id integer not null,
  code text not null,
  kind text not null,
  customer_id bigint,
  connection_id text,
  constraint accounts_pkey PRIMARY KEY (organization_id, code),
  constraint accounts_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint accounts_organization_id_customer_id_fkey FOREIGN KEY (organization_id, customer_id) REFERENCES customers(organization_id, id),
  constraint accounts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint accounts_kind_check CHECK ((kind = ANY (ARRAY['asset'::text, 'liability'::text, 'income'::text, 'expense'::text, 'control'::text])))
);

create table actions (
  organization_id integer not null,
  id bigint not null,
  name text not null,
  target_kind text not null,
  target_id bigint not null,
  payment_id bigint not null,
  entry bigint not null,
  document_id bigint not null,
  done_at timestamp with time zone not null,
  taken_back_at timestamp with time zone,
  taken_back_entry bigint,
  taken_back_document_id bigint,
  taken_back_because text,
  updated_sequence bigint not null,
  constraint actions_pkey PRIMARY KEY (organization_id, id),
  constraint actions_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id),
  constraint actions_organization_id_entry_fkey FOREIGN KEY (organization_id, entry) REFERENCES entries(organization_id, sequence),
  constraint actions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint actions_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint actions_organization_id_taken_back_entry_fkey FOREIGN KEY (organization_id, taken_back_entry) REFERENCES entries(organization_id, sequence),
  constraint actions_check CHECK ((num_nulls(taken_back_at, taken_back_entry, taken_back_document_id, taken_back_because) = ANY (ARRAY[0, 4]))),
  constraint actions_target_kind_check CHECK ((target_kind = ANY (ARRAY['work-order'::text, 'service-contract'::text, 'warranty'::text, 'parts-order'::text])))
);
CREATE INDEX actions_by_payment ON public.actions USING btree (organization_id, payment_id);
CREATE UNIQUE INDEX actions_standing ON public.actions USING btree (organization_id, target_kind, target_id) WHERE (taken_back_at IS NULL);

create table allocations (
  organization_id integer not null,
  id bigint not null,
  payment_id bigint not null,
  invoice_id bigint,
  work_order_id bigint,
  customer_id bigint,
  currency text not null,
  original_minor bigint not null,
  amount_minor bigint not null,
  explanation jsonb not null,
  entry bigint not null,
  created_at timestamp with time zone not null,
  updated_sequence bigint not null,
  constraint allocations_pkey PRIMARY KEY (organization_id, id),
  constraint allocations_organization_id_entry_fkey FOREIGN KEY (organization_id, entry) REFERENCES entries(organization_id, sequence),
  constraint allocations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint allocations_organization_id_invoice_id_fkey FOREIGN KEY (organization_id, invoice_id) REFERENCES invoices(organization_id, id),
  constraint allocations_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint allocations_organization_id_work_order_id_fkey FOREIGN KEY (organization_id, work_order_id) REFERENCES work_orders(organization_id, id),
  constraint allocations_check CHECK (((amount_minor >= 0) AND (amount_minor <= original_minor))),
  constraint allocations_check1 CHECK ((num_nonnulls(invoice_id, work_order_id) = 1)),
  constraint allocations_original_minor_check CHECK ((original_minor > 0))
);
CREATE INDEX allocations_by_invoice ON public.allocations USING btree (organization_id, invoice_id) WHERE (invoice_id IS NOT NULL);
CREATE INDEX allocations_by_payment ON public.allocations USING btree (organization_id, payment_id);
CREATE INDEX allocations_by_work_order ON public.allocations USING btree (organization_id, work_order_id) WHERE (work_order_id IS NOT NULL);

create table api_keys (
  organization_id integer not null,
  id text not null,
  name text not null,
  role text not null,
  key_sha256 bytea not null,
  created_at timestamp with time zone not null default now(),
  revoked_at timestamp with time zone,
  constraint api_keys_pkey PRIMARY KEY (organization_id, id),
  constraint api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint api_keys_id_check CHECK ((id ~ '^key_[a-z0-9]+$'::text)),
  constraint api_keys_key_sha256_check CHECK ((octet_length(key_sha256) = 32)),
  constraint api_keys_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'bookkeeper'::text, 'dispatcher'::text, 'auditor'::text])))
);
CREATE INDEX api_keys_by_hash ON public.api_keys USING btree (key_sha256);

create table audit (
  organization_id integer not null,
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  actor text not null,
  verb text not null,
  subject text not null,
  details jsonb not null default '{}'::jsonb,
  constraint audit_pkey PRIMARY KEY (organization_id, id),
  constraint audit_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table connection_health (
  organization_id integer not null,
  connection_id text not null,
  last_received_at timestamp with time zone,
  last_pulled_at timestamp with time zone,
  last_error text,
  last_error_at timestamp with time zone,
  reauthorize_since timestamp with time zone,
  constraint connection_health_pkey PRIMARY KEY (organization_id, connection_id),
  constraint connection_health_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);

create table connection_settings (
  organization_id integer not null,
  connection_id text not null,
  version integer not null,
  public_settings jsonb not null,
  changed_at timestamp with time zone not null default now(),
  constraint connection_settings_pkey PRIMARY KEY (organization_id, connection_id, version),
  constraint connection_settings_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);

create table connections (
  organization_id integer not null,
  id text not null,
  portal text not null,
  name text not null,
  role text not null,
  settings_sealed bytea,
  public_settings jsonb not null,
  settings_version integer not null default 1,
  enabled boolean not null default true,
  created_at timestamp with time zone not null default now(),
  constraint connections_pkey PRIMARY KEY (organization_id, id),
  constraint connections_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint connections_id_check CHECK ((id ~ '^con_[a-z0-9]+$'::text)),
  constraint connections_name_check CHECK ((name <> ''::text)),
  constraint connections_role_check CHECK ((role = ANY (ARRAY['source'::text, 'books'::text])))
);
CREATE INDEX connections_by_id ON public.connections USING btree (id);

create table consents (
  organization_id integer not null,
  state_hash bytea not null,
  connection_id text not null,
  actor text not null,
  sealed bytea not null,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint consents_pkey PRIMARY KEY (organization_id, state_hash),
  constraint consents_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);
CREATE INDEX consents_by_state ON public.consents USING btree (state_hash);

create table customers (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  name text,
  email text,
  email_key text,
  updated_sequence bigint not null,
  constraint customers_pkey PRIMARY KEY (organization_id, id),
  constraint customers_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint customers_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint customers_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id)
);
CREATE INDEX customers_by_email ON public.customers USING btree (organization_id, email_key) WHERE (email_key IS NOT NULL);

create table deliveries (
  organization_id integer not null,
  id bigint not null generated always as identity,
  system_id text not null,
  topic text not null,
  payment_id bigint not null,
  subject text,
  document_id bigint not null,
  state text not null default 'waiting'::text,
  attempts integer not null default 0,
  due_at timestamp with time zone not null,
  last_error text,
  finished_at timestamp with time zone,
  created_at timestamp with time zone not null,
  constraint deliveries_pkey PRIMARY KEY (organization_id, id),
  constraint deliveries_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id),
  constraint deliveries_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint deliveries_organization_id_system_id_fkey FOREIGN KEY (organization_id, system_id) REFERENCES systems(organization_id, id),
  constraint deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'skipped'::text, 'parked'::text])))
);
CREATE INDEX deliveries_by_payment ON public.deliveries USING btree (organization_id, payment_id);
CREATE INDEX deliveries_order ON public.deliveries USING btree (organization_id, system_id, payment_id, id) WHERE (state = ANY (ARRAY['waiting'::text, 'parked'::text]));
CREATE INDEX deliveries_waiting ON public.deliveries USING btree (organization_id, system_id, due_at) WHERE (state = 'waiting'::text);

create table delivery_attempts (
  organization_id integer not null,
  delivery_id bigint not null,
  attempt integer not null,
  at timestamp with time zone not null,
  duration_ms integer not null,
  ok boolean not null,
  status integer,
  error text,
  response_excerpt text,
  constraint delivery_attempts_pkey PRIMARY KEY (organization_id, delivery_id, attempt),
  constraint delivery_attempts_organization_id_delivery_id_fkey FOREIGN KEY (organization_id, delivery_id) REFERENCES deliveries(organization_id, id)
);

create table disputes (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  payment_id bigint,
  payment_external_id text,
  amount_minor bigint not null,
  currency text not null,
  fee_minor bigint,
  fee_currency text,
  opened_at timestamp with time zone,
  withdrawn_at timestamp with time zone,
  won_at timestamp with time zone,
  lost_at timestamp with time zone,
  reason text,
  posted text not null default 'none'::text,
  entry bigint,
  updated_sequence bigint not null,
  constraint disputes_pkey PRIMARY KEY (organization_id, id),
  constraint disputes_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint disputes_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint disputes_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint disputes_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint disputes_amount_minor_check CHECK ((amount_minor > 0)),
  constraint disputes_posted_check CHECK ((posted = ANY (ARRAY['none'::text, 'withdrawn'::text, 'lost'::text])))
);
CREATE INDEX disputes_by_payment ON public.disputes USING btree (organization_id, payment_id) WHERE (payment_id IS NOT NULL);
CREATE INDEX disputes_waiting ON public.disputes USING btree (organization_id, connection_id, payment_external_id) WHERE (payment_id IS NULL);

create table documents (
  organization_id integer not null,
  id bigint not null generated always as identity,
  connection_id text not null,
  origin text not null,
  dedupe_key text not null,
  authentic boolean not null,
  sha256 bytea not null,
  headers jsonb not null,
  body bytea not null,
  parent_id bigint,
  settings_version integer not null,
  received_at timestamp with time zone not null,
  constraint documents_pkey PRIMARY KEY (organization_id, id),
  constraint documents_organization_id_connection_id_dedupe_key_key UNIQUE (organization_id, connection_id, dedupe_key),
  constraint documents_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint documents_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint documents_dedupe_key_check CHECK ((octet_length(dedupe_key) <= 200)),
  constraint documents_origin_check CHECK ((origin = ANY (ARRAY['webhook'::text, 'fetch'::text, 'pull'::text, 'file'::text, 'manual'::text, 'api'::text, 'delivery'::text, 'system'::text]))),
  constraint documents_sha256_check CHECK ((octet_length(sha256) = 32))
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table elsewhere_ids (
  organization_id integer not null,
  external_id text not null,
  portal text not null,
  payment_id bigint not null,
  constraint elsewhere_ids_pkey PRIMARY KEY (organization_id, external_id, portal, payment_id)
);
CREATE INDEX elsewhere_ids_by_payment ON public.elsewhere_ids USING btree (organization_id, payment_id);

create table entitlements (
  organization_id integer not null,
  id bigint not null,
  kind text not null,
  connection_id text not null,
  external_id text not null,
  number text not null,
  customer_id bigint,
  work_order text,
  work_order_key text,
  invoice text,
  invoice_key text,
  attributes jsonb not null default '{}'::jsonb,
  active boolean not null default false,
  updated_sequence bigint not null,
  constraint entitlements_pkey PRIMARY KEY (organization_id, id),
  constraint entitlements_organization_id_kind_connection_id_external_id_key UNIQUE (organization_id, kind, connection_id, external_id),
  constraint entitlements_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint entitlements_organization_id_customer_id_fkey FOREIGN KEY (organization_id, customer_id) REFERENCES customers(organization_id, id),
  constraint entitlements_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint entitlements_kind_check CHECK ((kind = ANY (ARRAY['service-contract'::text, 'warranty'::text, 'parts-order'::text])))
);
CREATE INDEX entitlements_by_invoice ON public.entitlements USING btree (organization_id, invoice_key) WHERE (invoice_key IS NOT NULL);
CREATE INDEX entitlements_by_work_order ON public.entitlements USING btree (organization_id, work_order_key) WHERE (work_order_key IS NOT NULL);

create table entries (
  organization_id integer not null,
  sequence bigint not null,
  kind text not null,
  memo text not null,
  posted_at timestamp with time zone not null,
  effective_on date not null,
  document_id bigint not null,
  reverses bigint,
  posting_count smallint not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint entries_pkey PRIMARY KEY (organization_id, sequence),
  constraint entries_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id),
  constraint entries_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint entries_organization_id_reverses_fkey FOREIGN KEY (organization_id, reverses) REFERENCES entries(organization_id, sequence),
  constraint entries_hash_check CHECK ((octet_length(hash) = 32)),
  constraint entries_posting_count_check CHECK ((posting_count > 0)),
  constraint entries_previous_hash_check CHECK ((octet_length(previous_hash) = 32))
);
CREATE INDEX entries_by_document ON public.entries USING btree (organization_id, document_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER complete_entry AFTER INSERT ON public.entries REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION require_postings();
CREATE TRIGGER continue_chain AFTER INSERT ON public.entries REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION continue_chain();

create table events (
  organization_id integer not null,
  document_id bigint not null,
  ordinal smallint not null,
  sequence bigint not null,
  connection_id text not null,
  type text not null,
  external_payment_id text,
  body jsonb not null,
  constraint events_pkey PRIMARY KEY (organization_id, document_id, ordinal),
  constraint events_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id)
);
CREATE INDEX events_by_payment ON public.events USING btree (organization_id, connection_id, external_payment_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table failed_files (
  organization_id integer not null,
  connection_id text not null,
  directory text not null,
  name text not null,
  because text not null,
  failed_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  constraint failed_files_pkey PRIMARY KEY (organization_id, connection_id, directory, name),
  constraint failed_files_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);

create table fetches (
  organization_id integer not null,
  connection_id text not null,
  entity text not null,
  external_id text not null,
  notice_id bigint not null,
  state text not null,
  version integer not null default 1,
  attempts integer not null default 0,
  due_at timestamp with time zone not null,
  last_error text,
  constraint fetches_pkey PRIMARY KEY (organization_id, connection_id, entity, external_id),
  constraint fetches_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint fetches_organization_id_notice_id_fkey FOREIGN KEY (organization_id, notice_id) REFERENCES documents(organization_id, id),
  constraint fetches_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'missing'::text, 'failed'::text])))
);
CREATE INDEX fetches_due ON public.fetches USING btree (organization_id, connection_id, due_at) WHERE (state = 'waiting'::text);

create table idempotency_keys (
  organization_id integer not null,
  key text not null,
  request jsonb not null,
  response jsonb,
  created_at timestamp with time zone not null default now(),
  constraint idempotency_keys_pkey PRIMARY KEY (organization_id, key),
  constraint idempotency_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint idempotency_keys_key_check CHECK (((octet_length(key) >= 1) AND (octet_length(key) <= 255)))
);

create table identities (
  organization_id integer not null,
  kind text not null,
  connection_id text not null,
  external_id text not null,
  entity_id bigint not null,
  document_id bigint not null,
  constraint identities_pkey PRIMARY KEY (organization_id, kind, connection_id, external_id),
  constraint identities_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint identities_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint identities_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'customer'::text, 'invoice'::text, 'work-order'::text])))
);
CREATE INDEX identities_by_entity ON public.identities USING btree (organization_id, kind, entity_id);

create table import_file_copies (
  organization_id integer not null,
  file_id bigint not null,
  directory text not null,
  written_at timestamp with time zone not null,
  constraint import_file_copies_pkey PRIMARY KEY (organization_id, file_id, directory),
  constraint import_file_copies_organization_id_file_id_fkey FOREIGN KEY (organization_id, file_id) REFERENCES import_files(organization_id, id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.import_file_copies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table import_file_entries (
  organization_id integer not null,
  system_id text not null,
  payment_id bigint not null,
  entry text not null,
  file_id bigint not null,
  "position" integer not null,
  mark text not null,
  record jsonb not null,
  delivery_id bigint not null,
  constraint import_file_entries_pkey PRIMARY KEY (organization_id, system_id, payment_id, entry),
  constraint import_file_entries_organization_id_file_id_position_key UNIQUE (organization_id, file_id, "position"),
  constraint import_file_entries_organization_id_delivery_id_fkey FOREIGN KEY (organization_id, delivery_id) REFERENCES deliveries(organization_id, id),
  constraint import_file_entries_organization_id_file_id_fkey FOREIGN KEY (organization_id, file_id) REFERENCES import_files(organization_id, id),
  constraint import_file_entries_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint import_file_entries_entry_check CHECK ((entry = ANY (ARRAY['payment'::text, 'reversal'::text])))
);
CREATE INDEX import_file_entries_by_delivery ON public.import_file_entries USING btree (organization_id, delivery_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.import_file_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table import_files (
  organization_id integer not null,
  id bigint not null generated always as identity,
  system_id text not null,
  connection_id text not null,
  number integer not null,
  name text not null,
  body bytea not null,
  sha256 bytea not null,
  after_document bigint not null,
  created_at timestamp with time zone not null,
  first_downloaded_at timestamp with time zone,
  constraint import_files_pkey PRIMARY KEY (organization_id, id),
  constraint import_files_organization_id_system_id_name_key UNIQUE (organization_id, system_id, name),
  constraint import_files_organization_id_system_id_number_key UNIQUE (organization_id, system_id, number),
  constraint import_files_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint import_files_organization_id_system_id_fkey FOREIGN KEY (organization_id, system_id) REFERENCES systems(organization_id, id),
  constraint import_files_sha256_check CHECK ((octet_length(sha256) = 32))
);
CREATE INDEX import_files_not_downloaded ON public.import_files USING btree (created_at) WHERE (first_downloaded_at IS NULL);
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON public.import_files FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep BEFORE UPDATE ON public.import_files FOR EACH ROW EXECUTE FUNCTION keep_import_file();

create table inbox (
  organization_id integer not null,
  document_id bigint not null,
  constraint inbox_pkey PRIMARY KEY (organization_id, document_id),
  constraint inbox_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id)
);

create table invoices (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  number text,
  number_key text,
  customer_id bigint,
  currency text not null,
  total_minor bigint not null,
  paid_minor bigint not null default 0,
  balance_minor bigint not null generated always as ((total_minor - paid_minor)) stored,
  status text not null,
  issued_on date,
  due_on date,
  work_order text,
  work_order_key text,
  purchase_order text,
  purchase_order_key text,
  registered_entry bigint,
  updated_sequence bigint not null,
  stated_at timestamp with time zone,
  revision bigint,
  constraint invoices_pkey PRIMARY KEY (organization_id, id),
  constraint invoices_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint invoices_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint invoices_organization_id_customer_id_fkey FOREIGN KEY (organization_id, customer_id) REFERENCES customers(organization_id, id),
  constraint invoices_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint invoices_check CHECK (((paid_minor >= 0) AND (paid_minor <= total_minor))),
  constraint invoices_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint invoices_status_check CHECK ((status = ANY (ARRAY['open'::text, 'partially_paid'::text, 'paid'::text, 'void'::text]))),
  constraint invoices_total_minor_check CHECK ((total_minor >= 0))
);
CREATE INDEX invoices_by_external_id ON public.invoices USING btree (organization_id, external_id);
CREATE INDEX invoices_by_number ON public.invoices USING btree (organization_id, number_key);
CREATE INDEX invoices_by_purchase_order ON public.invoices USING btree (organization_id, purchase_order_key) WHERE (purchase_order_key IS NOT NULL);
CREATE INDEX invoices_by_work_order ON public.invoices USING btree (organization_id, work_order_key) WHERE (work_order_key IS NOT NULL);
CREATE INDEX invoices_open ON public.invoices USING btree (organization_id, customer_id, balance_minor) WHERE (status = ANY (ARRAY['open'::text, 'partially_paid'::text]));

create table migrations (
  number integer not null,
  name text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (number)
);

create table nodes (
  id text not null,
  public_url text not null,
  started_at timestamp with time zone not null default now(),
  constraint nodes_pkey PRIMARY KEY (id)
);

create table oauth_tokens (
  organization_id integer not null,
  connection_id text not null,
  token_sealed bytea not null,
  access_expires_at timestamp with time zone not null,
  refresh_expires_at timestamp with time zone,
  version integer not null default 1,
  updated_at timestamp with time zone not null default now(),
  constraint oauth_tokens_pkey PRIMARY KEY (organization_id, connection_id),
  constraint oauth_tokens_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);

create table organization_heads (
  organization_id integer not null,
  document_sequence bigint not null default 0,
  entry_sequence bigint not null default 0,
  entry_hash bytea not null default decode(repeat('00'::text, 32), 'hex'::text),
  last_id bigint not null default 0,
  constraint organization_heads_pkey PRIMARY KEY (organization_id),
  constraint organization_heads_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint organization_heads_entry_hash_check CHECK ((octet_length(entry_hash) = 32))
);

create table organizations (
  organization_id integer not null generated by default as identity,
  name text not null,
  time_zone text not null default 'UTC'::text,
  home_currency text not null default 'USD'::text,
  installation text not null,
  created_at timestamp with time zone not null default now(),
  constraint organizations_pkey PRIMARY KEY (organization_id),
  constraint organizations_home_currency_check CHECK ((home_currency ~ '^[A-Z]{3}$'::text)),
  constraint organizations_installation_check CHECK ((installation ~ '^[a-z0-9]{6}$'::text))
);
CREATE TRIGGER open_head AFTER INSERT ON public.organizations FOR EACH ROW EXECUTE FUNCTION open_organization_head();
CREATE TRIGGER open_own_connection AFTER INSERT ON public.organizations FOR EACH ROW EXECUTE FUNCTION open_own_connection();

create table outcomes (
  organization_id integer not null,
  sequence bigint not null,
  document_id bigint not null,
  status text not null,
  reason text,
  applied_at timestamp with time zone not null,
  constraint outcomes_pkey PRIMARY KEY (organization_id, sequence),
  constraint outcomes_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id),
  constraint outcomes_check CHECK (((reason IS NULL) = (status = 'applied'::text))),
  constraint outcomes_status_check CHECK ((status = ANY (ARRAY['applied'::text, 'ignored'::text, 'quarantined'::text])))
);
CREATE UNIQUE INDEX outcomes_final ON public.outcomes USING btree (organization_id, document_id) WHERE (status <> 'quarantined'::text);
CREATE INDEX outcomes_quarantined ON public.outcomes USING btree (organization_id, document_id) WHERE (status = 'quarantined'::text);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table payments (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  provisional boolean not null default false,
  status text not null,
  amount_minor bigint not null,
  currency text not null,
  fee_minor bigint,
  fee_currency text,
  fee_entry bigint,
  method text,
  channel text,
  failure_reason text,
  pending_at timestamp with time zone,
  authorized_at timestamp with time zone,
  succeeded_at timestamp with time zone,
  succeeded_last_at timestamp with time zone,
  failed_at timestamp with time zone,
  voided_at timestamp with time zone,
  revision integer,
  payer jsonb,
  payer_key text,
  customer_id bigint,
  "references" jsonb not null,
  received_minor bigint not null default 0,
  allocated_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  disputed_minor bigint not null default 0,
  lost_minor bigint not null default 0,
  unapplied_minor bigint not null generated always as ((((received_minor - allocated_minor) - refunded_minor) - lost_minor)) stored,
  held boolean not null default false,
  mirrors bigint,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  posted_at timestamp with time zone,
  receipt_entry bigint,
  updated_sequence bigint not null,
  parts jsonb,
  suspect text,
  suspicion text,
  vouched boolean not null default false,
  entered boolean not null default false,
  constraint payments_pkey PRIMARY KEY (organization_id, id),
  constraint payments_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint payments_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint payments_organization_id_customer_id_fkey FOREIGN KEY (organization_id, customer_id) REFERENCES customers(organization_id, id),
  constraint payments_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint payments_allocated_minor_check CHECK ((allocated_minor >= 0)),
  constraint payments_amount_minor_check CHECK ((amount_minor >= 0)),
  constraint payments_check CHECK (((fee_currency IS NULL) = (fee_minor IS NULL))),
  constraint payments_check1 CHECK (((received_minor = 0) OR (received_minor = amount_minor))),
  constraint payments_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint payments_disputed_minor_check CHECK ((disputed_minor >= 0)),
  constraint payments_lost_minor_check CHECK ((lost_minor >= 0)),
  constraint payments_refunded_minor_check CHECK ((refunded_minor >= 0)),
  constraint payments_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'authorized'::text, 'succeeded'::text, 'partially_refunded'::text, 'refunded'::text, 'disputed'::text, 'failed'::text, 'voided'::text]))),
  constraint payments_suspect_check CHECK (((suspect IS NULL) OR (received_minor = 0))),
  constraint payments_suspicion_check CHECK ((((suspect IS NULL) = (suspicion IS NULL)) AND (suspicion = ANY (ARRAY['named'::text, 'alike'::text, 'gateway'::text, 'unexplained'::text, 'payout'::text]))))
);
CREATE INDEX payments_by_amount ON public.payments USING btree (organization_id, amount_minor, occurred_at);
CREATE INDEX payments_by_customer ON public.payments USING btree (organization_id, customer_id) WHERE (customer_id IS NOT NULL);
CREATE INDEX payments_by_payer ON public.payments USING btree (organization_id, connection_id, payer_key, amount_minor) WHERE (payer_key IS NOT NULL);
CREATE INDEX payments_by_update ON public.payments USING btree (organization_id, updated_sequence);
CREATE INDEX payments_suspect ON public.payments USING btree (organization_id, suspect) WHERE (suspect IS NOT NULL);
CREATE INDEX payments_unapplied ON public.payments USING btree (organization_id, customer_id, unapplied_minor) WHERE (unapplied_minor <> 0);

create table payouts (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  amount_minor bigint not null,
  currency text not null,
  paid_at timestamp with time zone,
  failed_at timestamp with time zone,
  posted boolean not null default false,
  entry bigint,
  updated_sequence bigint not null,
  cost_minor bigint,
  mirrors bigint,
  banked_at timestamp with time zone,
  bank_text text,
  constraint payouts_pkey PRIMARY KEY (organization_id, id),
  constraint payouts_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint payouts_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint payouts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint payouts_mirrors_check CHECK (((mirrors IS NULL) OR (NOT posted)))
);
CREATE INDEX payouts_by_amount ON public.payouts USING btree (organization_id, amount_minor);

create table postings (
  organization_id integer not null,
  entry_sequence bigint not null,
  line smallint not null,
  debit_account text not null,
  credit_account text not null,
  amount_minor bigint not null,
  currency text not null,
  payment_id bigint,
  invoice_id bigint,
  constraint postings_pkey PRIMARY KEY (organization_id, entry_sequence, line),
  constraint postings_organization_id_credit_account_fkey FOREIGN KEY (organization_id, credit_account) REFERENCES accounts(organization_id, code),
  constraint postings_organization_id_debit_account_fkey FOREIGN KEY (organization_id, debit_account) REFERENCES accounts(organization_id, code),
  constraint postings_organization_id_entry_sequence_fkey FOREIGN KEY (organization_id, entry_sequence) REFERENCES entries(organization_id, sequence),
  constraint postings_amount_minor_check CHECK ((amount_minor > 0)),
  constraint postings_check CHECK ((credit_account <> debit_account)),
  constraint postings_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);
CREATE INDEX postings_by_invoice ON public.postings USING btree (organization_id, invoice_id) WHERE (invoice_id IS NOT NULL);
CREATE INDEX postings_by_payment ON public.postings USING btree (organization_id, payment_id) WHERE (payment_id IS NOT NULL);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table pull_cursors (
  organization_id integer not null,
  connection_id text not null,
  cursor jsonb not null,
  pages bigint not null default 0,
  documents bigint not null default 0,
  finished_at timestamp with time zone,
  updated_at timestamp with time zone not null,
  generation bigint not null default 0,
  started_at timestamp with time zone,
  reached_at timestamp with time zone,
  constraint pull_cursors_pkey PRIMARY KEY (organization_id, connection_id),
  constraint pull_cursors_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);

create table recording_notes (
  organization_id integer not null,
  connection_id text not null,
  about text not null,
  payment_id text not null,
  text text not null,
  updated_at timestamp with time zone not null,
  constraint recording_notes_pkey PRIMARY KEY (organization_id, connection_id, about, payment_id),
  constraint recording_notes_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id)
);
CREATE INDEX recording_notes_by_payment ON public.recording_notes USING btree (organization_id, connection_id, payment_id);

create table refunds (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  payment_id bigint,
  payment_external_id text,
  amount_minor bigint not null,
  currency text not null,
  fee_minor bigint,
  fee_currency text,
  succeeded_at timestamp with time zone,
  failed_at timestamp with time zone,
  posted_minor bigint not null default 0,
  entry bigint,
  customer_id bigint,
  details jsonb not null default '{}'::jsonb,
  updated_sequence bigint not null,
  fee_posted_minor bigint not null default 0,
  standing text not null default 'own'::text,
  constraint refunds_pkey PRIMARY KEY (organization_id, id),
  constraint refunds_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint refunds_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint refunds_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint refunds_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint refunds_amount_minor_check CHECK ((amount_minor >= 0)),
  constraint refunds_standing_check CHECK (((standing = ANY (ARRAY['own'::text, 'stand-in'::text])) OR ((standing = ANY (ARRAY['copy'::text, 'doubtful'::text])) AND (posted_minor = 0))))
);
CREATE INDEX refunds_by_amount ON public.refunds USING btree (organization_id, amount_minor, succeeded_at);
CREATE INDEX refunds_by_payment ON public.refunds USING btree (organization_id, payment_id) WHERE (payment_id IS NOT NULL);
CREATE INDEX refunds_waiting ON public.refunds USING btree (organization_id, connection_id, payment_external_id) WHERE (payment_id IS NULL);

create table refusals (
  organization_id integer not null,
  connection_id text not null,
  code text not null,
  hour timestamp with time zone not null,
  count bigint not null,
  last_because text not null,
  last_at timestamp with time zone not null,
  constraint refusals_pkey PRIMARY KEY (organization_id, connection_id, code, hour),
  constraint refusals_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint refusals_count_check CHECK ((count > 0))
);

create table review_items (
  organization_id integer not null,
  id bigint not null,
  kind text not null,
  subject text not null,
  reason text not null,
  payment_id bigint,
  document_id bigint,
  details jsonb not null default '{}'::jsonb,
  opened_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  resolution text,
  updated_sequence bigint not null,
  constraint review_items_pkey PRIMARY KEY (organization_id, id),
  constraint review_items_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES documents(organization_id, id),
  constraint review_items_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint review_items_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id),
  constraint review_items_check CHECK (((resolution IS NULL) = (resolved_at IS NULL)))
);
CREATE INDEX review_items_by_payment ON public.review_items USING btree (organization_id, payment_id) WHERE (payment_id IS NOT NULL);
CREATE INDEX review_items_open ON public.review_items USING btree (organization_id, id) WHERE (resolved_at IS NULL);
CREATE UNIQUE INDEX review_items_open_by_subject ON public.review_items USING btree (organization_id, subject, kind) WHERE (resolved_at IS NULL);

create table systems (
  organization_id integer not null,
  id text not null,
  kind text not null,
  name text not null,
  connection_id text,
  settings_sealed bytea,
  public_settings jsonb not null,
  enabled boolean not null default true,
  breaker jsonb not null default '{"state": "closed", "failures": 0}'::jsonb,
  created_at timestamp with time zone not null default now(),
  constraint systems_pkey PRIMARY KEY (organization_id, id),
  constraint systems_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint systems_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint systems_check CHECK (((kind = 'books'::text) = (connection_id IS NOT NULL))),
  constraint systems_id_check CHECK ((id ~ '^sys_[a-z0-9]+$'::text)),
  constraint systems_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'servicemobility'::text, 'books'::text])))
);

create table waiting_keys (
  organization_id integer not null,
  key text not null,
  payment_id bigint not null,
  constraint waiting_keys_pkey PRIMARY KEY (organization_id, key, payment_id),
  constraint waiting_keys_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id) REFERENCES payments(organization_id, id)
);
CREATE INDEX waiting_keys_by_payment ON public.waiting_keys USING btree (organization_id, payment_id);

create table work_orders (
  organization_id integer not null,
  id bigint not null,
  connection_id text not null,
  external_id text not null,
  number text not null,
  number_key text not null,
  kind text not null,
  description text,
  customer_id bigint,
  total_minor bigint,
  currency text,
  released boolean not null default false,
  updated_sequence bigint not null,
  constraint work_orders_pkey PRIMARY KEY (organization_id, id),
  constraint work_orders_organization_id_connection_id_external_id_key UNIQUE (organization_id, connection_id, external_id),
  constraint work_orders_organization_id_connection_id_fkey FOREIGN KEY (organization_id, connection_id) REFERENCES connections(organization_id, id),
  constraint work_orders_organization_id_customer_id_fkey FOREIGN KEY (organization_id, customer_id) REFERENCES customers(organization_id, id),
  constraint work_orders_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(organization_id),
  constraint work_orders_check CHECK (((currency IS NULL) = (total_minor IS NULL))),
  constraint work_orders_kind_check CHECK ((kind = ANY (ARRAY['service'::text, 'repair'::text, 'parts'::text, 'contract'::text, 'warranty'::text]))),
  constraint work_orders_total_minor_check CHECK ((total_minor >= 0))
);
CREATE INDEX work_orders_by_external_id ON public.work_orders USING btree (organization_id, external_id);
CREATE INDEX work_orders_by_number ON public.work_orders USING btree (organization_id, number_key);

CREATE OR REPLACE FUNCTION public.continue_chain()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (
    select from added
    where added.sequence > 1 and not exists (
      select from entries before
      where before.organization_id = added.organization_id
        and before.sequence = added.sequence - 1
        and before.hash = added.previous_hash
    )
  ) then
    raise exception 'an entry must follow its predecessor and carry its hash'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.keep_import_file()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.first_downloaded_at is null
    and to_jsonb(new) - 'first_downloaded_at' = to_jsonb(old) - 'first_downloaded_at'
  then
    return new;
  end if;
  raise exception 'import_files only learns when it was first downloaded'
    using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION public.open_organization_head()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into organization_heads (organization_id) values (new.organization_id);
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.open_own_connection()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into connections (organization_id, id, portal, name, role, public_settings)
  values (new.organization_id, 'con_own', 'own', 'Own records', 'source', '{}');
  insert into connection_settings (organization_id, connection_id, version, public_settings)
  values (new.organization_id, 'con_own', 1, '{}');
  insert into connection_health (organization_id, connection_id) values (new.organization_id, 'con_own');
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only: correct it by a new row, never by %', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION public.require_postings()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (
    select from added
    where added.posting_count <> (
      select count(*) from postings
      where postings.organization_id = added.organization_id
        and postings.entry_sequence = added.sequence
    )
  ) then
    raise exception 'an entry must be written together with all its postings'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $function$;
