-- A person who lets us in from the browser: what was asked, until the answer comes back, once.
create table consents (
  organization_id integer not null,
  -- SHA-256 of the state that travels through the browser.
  state_hash bytea not null,
  connection_id text not null,
  actor text not null,
  -- Code verifier, redirect address and, while a person chooses, the accounts.
  sealed bytea not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (organization_id, state_hash),
  foreign key (organization_id, connection_id) references connections
);
create index consents_by_state on consents (state_hash);
