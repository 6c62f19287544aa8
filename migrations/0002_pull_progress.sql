-- A pull that somebody asked for begins where they said, goes on after a crash, and says how far it has come.
alter table pull_cursors
  add column generation bigint not null default 0,
  add column started_at timestamptz,
  add column reached_at timestamptz;
comment on column pull_cursors.generation is 'Raised by every request to read again from an instant: a run under way then gives way.';
comment on column pull_cursors.started_at is 'From which instant the run under way reads; null when it is an ordinary one.';
comment on column pull_cursors.reached_at is 'Everything up to this instant has been read, as far as the portal''s order tells.';
