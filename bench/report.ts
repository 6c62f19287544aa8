/** The results as a page. */
import type { ChainRun } from './chain.ts';
import type { Machine } from './machine.ts';
import { type BooksResult, FIXED_RATE, type PeerResult, type Plan } from './measure.ts';

export type Setting = {
  readonly name: string;
  readonly ours: BooksResult;
  readonly peer: readonly PeerResult[];
};

export type Results = {
  readonly date: string;
  readonly short: boolean;
  readonly plan: Plan;
  readonly machine: Machine;
  readonly settings: readonly Setting[];
};

const GOALS = { chainPerSecond: 3000, postedP99Ms: 250, acknowledgedP99Ms: 40 };
/** A load average that disturbs nothing. */
const QUIET_LOAD = 0.3;
/** Two runs of the same thing differ by about this much on a shared machine. */
const SAME_SPEED = 0.85;

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function saturatedTable({ ours, peer }: Setting): string {
  const rows = ours.saturated.map((run) => {
    const { acknowledged, posted } = run;
    const other = peer.find((one) => one.concurrency === run.connections);
    return [
      String(run.connections),
      rate(acknowledged.perSecond),
      `${ms(acknowledged.p50Ms)} / ${ms(acknowledged.p99Ms)} / ${ms(acknowledged.maxMs)}`,
      rate(posted.perSecond),
      other ? rate(other.perSecond) : '',
      other ? `${ms(other.latency.p50Ms)} / ${ms(other.latency.p99Ms)}` : '',
      other ? (acknowledged.perSecond / other.perSecond).toFixed(2) : '',
      other ? (posted.perSecond / other.perSecond).toFixed(2) : '',
    ];
  });
  return table(
    [
      'connections',
      'acknowledged/s',
      'acknowledgement p50 / p99 / max ms',
      'posted and released/s',
      'peer/s',
      'peer p50 / p99 ms',
      'acknowledged ÷ peer',
      'posted ÷ peer',
    ],
    rows,
  );
}

function fixedLine({ acknowledged, posted }: ChainRun): string {
  return (
    `At ${FIXED_RATE} arrivals a second: request to posted p50 ${ms(posted.p50Ms)} ms, ` +
    `p99 ${ms(posted.p99Ms)} ms, max ${ms(posted.maxMs)} ms; acknowledgement ` +
    `p50 ${ms(acknowledged.p50Ms)} ms, p99 ${ms(acknowledged.p99Ms)} ms.`
  );
}

function section(setting: Setting): string {
  const { fillSeconds } = setting.ours;
  const filled =
    fillSeconds === undefined
      ? ''
      : `\n\nFilling them in through the engine took ${Math.round(fillSeconds)} s; verify passed.`;
  return `## ${setting.name}\n\n${saturatedTable(setting)}\n\n${fixedLine(setting.ours.fixed)}${filled}`;
}

function best(setting: Setting): number {
  return Math.max(...setting.ours.saturated.map(({ posted }) => posted.perSecond));
}

function goals({ settings }: Results): string {
  const [first] = settings;
  if (!first) return '';
  const { fixed } = first.ours;
  const filled = settings.find(({ ours }) => ours.storedPayments > 0);
  const verdict = (met: boolean) => (met ? 'met' : '**not met**');
  const rows = [
    [
      `${rate(GOALS.chainPerSecond)} payments/s from HTTP to posted and released`,
      rate(best(first)),
      verdict(best(first) >= GOALS.chainPerSecond),
    ],
    [
      `at ${FIXED_RATE}/s request to posted p99 under ${GOALS.postedP99Ms} ms`,
      `${ms(fixed.posted.p99Ms)} ms`,
      verdict(fixed.posted.p99Ms < GOALS.postedP99Ms),
    ],
    [
      `at ${FIXED_RATE}/s acknowledgement p99 under ${GOALS.acknowledgedP99Ms} ms`,
      `${ms(fixed.acknowledged.p99Ms)} ms`,
      verdict(fixed.acknowledged.p99Ms < GOALS.acknowledgedP99Ms),
    ],
  ];
  if (filled) {
    const share = best(filled) / best(first);
    rows.push([
      `no slower with ${rate(filled.ours.storedPayments)} payments stored`,
      `${rate(best(filled))}/s, ${Math.round(share * 100)} % of empty books`,
      verdict(share >= SAME_SPEED),
    ]);
  }
  return table(['goal', 'measured', ''], rows);
}

/** The page that `latest.md` holds. */
export function toMarkdown(results: Results): string {
  const { machine, plan } = results;
  const settings = Object.entries(machine.settings).map(([name, value]) => `${name} ${value}`);
  const others =
    machine.loadBefore < QUIET_LOAD
      ? ''
      : ', **with other programs besides, so every figure is lower than the machine allows: the ' +
        `load average was ${machine.loadBefore.toFixed(1)} before the start**`;
  return `# Benchmark of ${results.date}, commit ${machine.commit}

${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB; Node ${machine.node}; PostgreSQL \
${machine.postgres} (the embedded one: ${settings.join(', ')}). The load generator, the server and PostgreSQL share \
the cores${others}. Each figure: ${plan.saturatedSeconds} s saturated or ${plan.fixedSeconds} s at a fixed rate, \
after a warm-up${plan.repeats > 1 ? `, median of ${plan.repeats}` : ''}.

${goals(results)}

What each does. We: the server process takes a signed \`payment_intent.succeeded\` over HTTP, verifies it, stores its \
bytes, answers; then reads it, folds it into a payment, applies it to the invoice it names, posts two hash-chained \
entries, and releases the invoice's work order. Posted is the instant at which another process hears of the commit; \
posted and released per second counts until the last payment of the run is in the books, and each one is looked up \
there. The peer, @supabase/stripe-sync-engine 0.48.5: \`processWebhook\` inside one process without HTTP verifies the \
same notices and upserts one row for each, with 20 connections to a fresh database of the same PostgreSQL; no inbox, \
no matching, no ledger.

${results.settings.map(section).join('\n\n')}
`;
}
