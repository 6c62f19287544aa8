/** `doctor`: whether everything works, in plain words, and what to do where it does not. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { countApiKeys } from '../api/api-keys.ts';
import type { App } from '../app.ts';
import { sql } from '../db/database.ts';
import { type Finding, testConnection } from '../intake/test-connection.ts';
import { folderOf } from '../intake/watched-folder.ts';
import { findPortal } from '../portals/index.ts';
import { addBooksOptions, type BooksOptions, type Registration, withBooks } from './command.ts';
import { asJson, EXIT } from './terminal.ts';

type Told = Finding & { readonly about: string };

export function registerDoctor({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('doctor'))
    .description('Look at configuration, database and every connection, and say what is wrong.')
    .action(async (options: BooksOptions) => {
      const findings = await withBooks(terminal, options, examine);
      const ok = findings.every(({ level }) => level !== 'error');
      if (options.json) terminal.out(asJson({ ok, findings }));
      else {
        for (const { level, about, text } of findings) {
          terminal.out(`${level.padEnd(7)}  ${about}: ${text}`);
        }
      }
      end(ok ? EXIT.ok : EXIT.failed);
    });
}

async function examine(app: App, organizationId: number): Promise<readonly Told[]> {
  return [
    ...examineConfig(app),
    ...(await examineDatabase(app, organizationId)),
    ...(await examineConnections(app, organizationId)),
  ];
}

function examineConfig({ config }: App): readonly Told[] {
  const about = 'configuration';
  const database = config.databaseUrl === undefined ? 'embedded' : 'your own';
  const told: Told[] = [
    {
      level: 'ok',
      about,
      text: `the database is ${database}; data is in ${config.dataDirectory}.`,
    },
  ];
  const { hostname } = new URL(config.publicUrl);
  if (/^(localhost|127\.|\[::1\])/.test(hostname)) {
    const text =
      `portals cannot reach ${config.publicUrl}. ` +
      'Set CHECKVALVE_PUBLIC_URL to the address they see.';
    told.push({ level: 'warning', about, text });
  }
  return told;
}

async function examineDatabase(app: App, organizationId: number): Promise<readonly Told[]> {
  const about = 'database';
  const [row] = await app.database.query<{
    version: string;
    durable: boolean;
    waiting: bigint;
    oldestSeconds: number | null;
    open: bigint;
    parked: bigint;
  }>(sql`
    select current_setting('server_version') as version,
      current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off' as durable,
      (select count(*) from inbox where organization_id = ${organizationId}) as waiting,
      (select extract(epoch from now() - min(d.received_at))::float8 from inbox i
       join documents d on d.organization_id = i.organization_id and d.id = i.document_id
       where i.organization_id = ${organizationId}) as "oldestSeconds",
      (select count(*) from review_items
       where organization_id = ${organizationId} and resolved_at is null) as open,
      (select count(*) from deliveries
       where organization_id = ${organizationId} and state = 'parked') as parked`);
  if (!row) return [{ level: 'error', about, text: 'it answers nothing.' }];
  const told: Told[] = [{ level: 'ok', about, text: `PostgreSQL ${row.version} answers.` }];
  const add = (level: Finding['level'], topic: string, text: string) =>
    told.push({ level, about: topic, text });
  if (!row.durable) {
    add('error', about, 'fsync or synchronous_commit is off: a power failure loses payments.');
  }
  if (row.waiting > 0n) {
    const late = (row.oldestSeconds ?? 0) > 60;
    const age = `the oldest for ${Math.round(row.oldestSeconds ?? 0)} s`;
    const advice = late ? ' Is the server running?' : '';
    add(late ? 'error' : 'ok', 'inbox', `${row.waiting} documents wait, ${age}.${advice}`);
  }
  if (row.open > 0n) {
    add('warning', 'review', `${row.open} items wait for a person: checkvalve review.`);
  }
  if (row.parked > 0n) {
    add('warning', 'deliveries', `${row.parked} were given up and can be retried.`);
  }
  if ((await countApiKeys(app.database, organizationId)) === 0) {
    add('warning', 'API keys', 'there is none: checkvalve api-key create --name me --role owner.');
  }
  return told;
}

type Examined = {
  readonly id: string;
  readonly name: string;
  readonly portal: string;
  readonly enabled: boolean;
};

async function examineConnections(app: App, organizationId: number): Promise<readonly Told[]> {
  const connections = await app.database.query<Examined>(sql`
    select id, name, portal, enabled from connections
    where organization_id = ${organizationId} and portal <> 'own' order by id`);
  if (connections.length === 0) {
    return [{ level: 'warning', about: 'connections', text: 'there is none: checkvalve connect.' }];
  }
  const told = await Promise.all(
    connections.map(async ({ id, name, portal, enabled }): Promise<readonly Told[]> => {
      const about = `${name} (${id})`;
      // Whoever switched it off need not hear what else would be wrong with it.
      if (!enabled) return [{ level: 'ok', about, text: 'it is switched off.' }];
      const { findings } = await testConnection(app, organizationId, id);
      return [...findings, ...(await examineFolder(app, { id, portal }))].map((finding) => ({
        ...finding,
        about,
      }));
    }),
  );
  return told.flat();
}

/** Whether files can be put where the server on this machine looks for them. */
async function examineFolder(
  { config }: App,
  { id, portal }: Pick<Examined, 'id' | 'portal'>,
): Promise<readonly Finding[]> {
  if (findPortal(portal)?.uploadLimitBytes === undefined) return [];
  const { in: path } = folderOf(config.filesDirectory, id);
  return access(path, constants.W_OK).then(
    (): Finding[] => [{ level: 'ok', text: `files can be put into ${path}.` }],
    ({ code }: NodeJS.ErrnoException): Finding[] => [
      code === 'ENOENT'
        ? { level: 'warning', text: `${path} is not there: a server that runs here makes it.` }
        : { level: 'error', text: `files cannot be put into ${path} (${code}).` },
    ],
  );
}
