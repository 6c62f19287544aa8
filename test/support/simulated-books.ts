/** For tests of accounting systems: what stands in a simulated one before anything is paid. */
import type { EnteredPayment, SimulatedBooks } from '../../simulators/contract.ts';
import type { RecordingNote, RecordingNotes } from '../../src/portals/contract.ts';

/** One customer with one open invoice of 1,239.10 for work order WO-20881. */
export function fillBooks(
  books: Pick<SimulatedBooks, 'addCustomer' | 'addInvoice'>,
  given: { readonly at: Date; readonly number?: string; readonly currency?: string },
): { readonly customer: string; readonly invoice: string } {
  const { at, number = 'INV-1016', currency = 'USD' } = given;
  const customer = books.addCustomer({ name: "O'Brien & Sons", email: 'ap@ob.example' }, at);
  const invoice = books.addInvoice(
    {
      number,
      customerExternalId: customer,
      amountMinor: 123_910n,
      currency,
      workOrder: 'WO-20881',
    },
    at,
  );
  return { customer, invoice };
}

/** A cheque that a bookkeeper enters for an invoice. */
export function cheque(
  customerExternalId: string,
  invoice: string,
  amountMinor = 5500n,
): EnteredPayment {
  return {
    customerExternalId,
    amountMinor,
    currency: 'USD',
    method: 'Check',
    reference: 'CHK-4471',
    invoices: [{ externalId: invoice, amountMinor }],
  };
}

/** Notes in memory, of all payments of a connection, as the engine keeps them. */
export function noteBook(now: () => Date = () => new Date(0)) {
  const notes = new Map<string, RecordingNote>();
  const all = () => [...notes.values()];
  return {
    about: async (abouts: readonly string[]) => all().filter(({ about }) => abouts.includes(about)),
    of: (paymentId: string): RecordingNotes => {
      const keep = (about: string, text: string) =>
        void notes.set(`${about} ${paymentId}`, { paymentId, about, text, keptAt: now() });
      return {
        keep: async (about, text) => keep(about, text),
        keepUnless: async (about, text, inTheWay) => {
          const others = all().filter((one) => one.about === about && one.paymentId !== paymentId);
          const hindrance = others.find(inTheWay);
          if (!hindrance) keep(about, text);
          return hindrance;
        },
        kept: async () => all().filter((one) => one.paymentId === paymentId),
      };
    },
  };
}

/** The notes of one payment alone. */
export function memoryNotes(paymentId = 'pay_12'): RecordingNotes {
  return noteBook().of(paymentId);
}
