/** What is to be paid in one system, written there before we are let in. */
import type { SimulatedBooks, SimulatedOrder } from '../../simulators/contract.ts';

export const CURRENCY = 'USD';

/** What one payment is to pay: the invoices of one work order. */
export type Bill = {
  readonly workOrder: string;
  readonly customer: string;
  readonly amountMinor: bigint;
  readonly invoices: readonly {
    readonly number: string;
    readonly amountMinor: bigint;
    /** The system's own id of it. */
    readonly externalId: string;
  }[];
};

export type Bills = Readonly<Record<'pulled' | 'told' | 'unheard' | 'unanswered', Bill>>;

export const nameOf = (seed: number) => `Northgate Foundry ${seed}`;

/** Each of another amount. */
export function writeBills(books: SimulatedBooks, seed: number): Bills {
  const at = new Date();
  const customer = books.addCustomer(
    { name: nameOf(seed), email: `ap${seed}@northgate.example` },
    at,
  );
  const write = (letter: string, ...amounts: readonly bigint[]): Bill => {
    const workOrder = `WO-${seed}${letter}`;
    const invoices = amounts.map((amountMinor, index) => {
      const number = `INV-${seed}${letter}${index + 1}`;
      const invoice = { number, customerExternalId: customer, amountMinor, currency: CURRENCY };
      return { number, amountMinor, externalId: books.addInvoice({ ...invoice, workOrder }, at) };
    });
    return { workOrder, customer, amountMinor: sumOf(amounts), invoices };
  };
  const amount = BigInt(seed) * 100n;
  return {
    pulled: write('A', amount + 1n),
    told: write('B', amount + 12n),
    unheard: write('C', amount + 23n),
    // In some systems that is more than one record: of several the server may die after the first.
    unanswered: write('D', amount + 34n, amount + 45n),
  };
}

/** As the customer pays it by card elsewhere. */
export function orderOf({ invoices, workOrder, amountMinor, customer }: Bill): SimulatedOrder {
  const payer = { externalId: `card-${customer}`, name: 'N. Foundry', email: 'n@foundry.example' };
  const numbers = invoices.map(({ number }) => number).join('; ');
  // A link to pay is of one invoice; who pays several says so in words.
  const named = invoices.length === 1 ? { invoiceNumber: numbers } : { memo: numbers };
  return { amountMinor, currency: CURRENCY, customer: payer, workOrder, ...named };
}

function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}
