-- What recording a payment in the books leaves for later, where the books have no idempotency of their own.
create table recording_notes (
  organization_id integer not null,
  connection_id text not null,
  -- An invoice, a step: what the note is about, in the portal's own words.
  about text not null,
  payment_id text not null,
  text text not null,
  updated_at timestamptz not null,
  primary key (organization_id, connection_id, about, payment_id),
  foreign key (organization_id, connection_id) references connections
);
create index recording_notes_by_payment on recording_notes (organization_id, connection_id, payment_id);
