-- Files by which people import our payments into books that no program may write to. A file once written is never changed.
create table import_files (
  organization_id integer not null,
  id bigint not null generated always as identity,
  system_id text not null,
  connection_id text not null,
  number integer not null,
  name text not null,
  body bytea not null,
  sha256 bytea not null check (octet_length(sha256) = 32),
  -- The newest document when it was written: what shows that it was imported comes after.
  after_document bigint not null,
  created_at timestamptz not null,
  first_downloaded_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, system_id, number),
  unique (organization_id, system_id, name),
  foreign key (organization_id, system_id) references systems,
  foreign key (organization_id, connection_id) references connections
);
create index import_files_not_downloaded on import_files (created_at)
  where first_downloaded_at is null;

-- The key is the promise: a payment is entered by one file, and taken back by one file, ever.
create table import_file_entries (
  organization_id integer not null,
  system_id text not null,
  payment_id bigint not null,
  entry text not null check (entry in ('payment', 'reversal')),
  file_id bigint not null,
  -- Which row of the file, from 0.
  position integer not null,
  mark text not null,
  -- The payment as the file says it: what takes it back says the same.
  record jsonb not null,
  -- Waits until the books show it.
  delivery_id bigint not null,
  primary key (organization_id, system_id, payment_id, entry),
  unique (organization_id, file_id, position),
  foreign key (organization_id, file_id) references import_files,
  foreign key (organization_id, payment_id) references payments,
  foreign key (organization_id, delivery_id) references deliveries
);
create index import_file_entries_by_delivery on import_file_entries (organization_id, delivery_id);

-- Where a file was put for people to take: into each directory once, as somebody may have taken it from there.
create table import_file_copies (
  organization_id integer not null,
  file_id bigint not null,
  directory text not null,
  written_at timestamptz not null,
  primary key (organization_id, file_id, directory),
  foreign key (organization_id, file_id) references import_files
);

create function keep_import_file() returns trigger language plpgsql as $$
begin
  if old.first_downloaded_at is null
    and to_jsonb(new) - 'first_downloaded_at' = to_jsonb(old) - 'first_downloaded_at'
  then
    return new;
  end if;
  raise exception 'import_files only learns when it was first downloaded'
    using errcode = 'restrict_violation';
end $$;
create trigger keep before update on import_files for each row execute function keep_import_file();
create trigger append_only before delete or truncate on import_files
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on import_file_entries
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on import_file_copies
  for each statement execute function refuse_change();
