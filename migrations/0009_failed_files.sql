-- What lies in the `failed` folders of connections, mirrored so that whoever looks at a connection sees it.
create table failed_files (
  organization_id integer not null,
  connection_id text not null,
  -- Names the directory of folders that it lies in: nodes share one, or each has its own.
  directory text not null,
  name text not null,
  because text not null,
  failed_at timestamptz not null,
  seen_at timestamptz not null,
  primary key (organization_id, connection_id, directory, name),
  foreign key (organization_id, connection_id) references connections
);
