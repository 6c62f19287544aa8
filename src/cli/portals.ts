/** `portals`: what can be connected, and what each needs. */
import { showPortal } from '../api/json/portal.ts';
import { portals } from '../portals/index.ts';
import type { Registration } from './command.ts';
import { asJson, asTable, EXIT, wrongUsage } from './terminal.ts';

type Property = {
  readonly description?: string;
  readonly secret?: boolean;
  readonly default?: unknown;
};

export function registerPortals({ program, terminal, end }: Registration): void {
  program
    .command('portals')
    .description('List every portal with what it can do and the settings it takes.')
    .argument('[portal]', 'show the settings of this one')
    .option('--json', 'print JSON')
    .action((only: string | undefined, options: { json?: boolean }) => {
      const shown = portals.map(showPortal).filter(({ id }) => only === undefined || id === only);
      if (shown.length === 0) throw wrongUsage(`"${only}" is no portal; see checkvalve portals.`);
      if (options.json) terminal.out(asJson(shown));
      else if (only === undefined)
        terminal.out(`${overview(shown)}\n\nSettings: checkvalve portals <portal>`);
      else terminal.out(shown.map(describe).join('\n'));
      end(EXIT.ok);
    });
}

type Shown = ReturnType<typeof showPortal>;

function overview(shown: readonly Shown[]): string {
  return asTable(
    ['portal', 'name', 'roles', 'learns of payments by'],
    shown.map(({ id, name, roles, capabilities }) => {
      const ways = [capabilities.webhook ? 'webhook' : '', capabilities.pull ? 'pull' : ''];
      return [id, name, roles.join(', '), ways.filter(Boolean).join(' and ') || 'file'];
    }),
  );
}

function describe({ id, name, settings }: Shown): string {
  const { properties = {}, required = [] } = settings as {
    properties?: Record<string, Property>;
    required?: readonly string[];
  };
  const lines = Object.entries(properties).map(([field, property]) => {
    const marks = [
      required.includes(field) ? 'required' : 'optional',
      ...(property.secret ? ['secret'] : []),
      ...(property.default === undefined ? [] : [`default ${JSON.stringify(property.default)}`]),
    ];
    return `  ${field} (${marks.join(', ')})\n      ${property.description ?? ''}`.trimEnd();
  });
  return [`${name} (${id})`, ...lines].join('\n');
}
