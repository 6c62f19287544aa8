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

/** Notes in memory, as the engine keeps them for one payment. */
export function memoryNotes(paymentId = 'pay_12'): RecordingNotes {
  const notes = new Map<string, RecordingNote>();
  return {
    keep: async (about, text) => void notes.set(about, { paymentId, about, text }),
    kept: async () => [...notes.values()],
  };
}
