-- States of an invoice may arrive in any order: what is known of the newest.
alter table invoices
  add column stated_at timestamptz,
  add column revision bigint;
comment on column invoices.stated_at is 'When its portal says that it became what it is here.';
comment on column invoices.revision is 'The portal''s own count of its versions, where it has one.';
