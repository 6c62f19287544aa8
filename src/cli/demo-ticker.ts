/** Shows in the terminal, as it happens, what became of each payment. */
import { styleText } from 'node:util';
import type { PaymentJson } from '../api/json/payment.ts';
import { readChanges, readHead } from '../api/sse/changes.ts';
import type { App } from '../app.ts';
import { BOOKS_CHANNEL } from '../apply/apply-batch.ts';

const COLOURS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  succeeded: 'green',
  pending: 'gray',
  authorized: 'gray',
  failed: 'red',
  voided: 'red',
  disputed: 'magenta',
  refunded: 'yellow',
  partially_refunded: 'yellow',
};

/** Formats decimal text exactly; nothing becomes a float. */
const AMOUNTS = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2 });

/** Prints every change from now on through `print`; `close` stops it. */
export async function startTicker(
  app: App,
  organizationId: number,
  print: (line: string) => void,
): Promise<{ close(): Promise<void> }> {
  let since = await readHead(app.database, organizationId);
  const shown = new Map<string, string>();
  let reading = Promise.resolve();

  const read = async (): Promise<void> => {
    for (let behind = true; behind; ) {
      const found = await readChanges(app.database, organizationId, since);
      for (const { event, data } of found.changes) {
        if (event !== 'payment') continue;
        const payment = data as PaymentJson;
        const line = lineOf(payment);
        if (shown.get(payment.id) === line) continue;
        shown.set(payment.id, line);
        print(`${styleText('dim', new Date().toISOString().slice(11, 19))}  ${line}`);
      }
      since = found.upTo;
      behind = found.behind;
    }
  };

  const listening = await app.database.listen(BOOKS_CHANNEL, () => {
    reading = reading
      .then(read)
      .catch((error) => app.log.warn({ err: error }, 'the ticker missed a change'));
  });
  return {
    close: async () => {
      await listening.close();
      await reading;
    },
  };
}

function lineOf(payment: PaymentJson): string {
  const status = payment.status.replace('_', ' ');
  return [
    payment.portal.padEnd(15),
    `${formatted(payment.amount)} ${payment.amount.currency}`.padStart(14),
    styleText(COLOURS[payment.status] ?? 'white', status.padEnd(18)),
    (payment.customer?.name ?? 'unknown payer').slice(0, 26).padEnd(26),
    whatBecame(payment),
  ].join('  ');
}

function formatted({ amount }: PaymentJson['amount']): string {
  return AMOUNTS.format(amount as Intl.StringNumericLiteral);
}

function whatBecame(payment: PaymentJson): string {
  const applied = payment.allocations.map(
    ({ target, amount }) => `${formatted(amount)} to ${target.number ?? target.id}`,
  );
  const released = payment.releases.map(({ name, target, state }) =>
    state === 'done'
      ? styleText('cyan', `${name} ${target.number ?? target.id}`)
      : styleText('yellow', `${name} ${target.number ?? target.id} taken back`),
  );
  const parts = [
    applied.length > 0 ? applied.join(', ') : undefined,
    Number(payment.unapplied.amount) > 0
      ? `${formatted(payment.unapplied)} unapplied, see review`
      : undefined,
    released.length > 0 ? `→ ${released.join(', ')}` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join('  ');
}
