/** The page's state that lives in its address: filters and the open payment. */
import { PAYMENT_STATUSES, type PaymentStatus } from '../api/payment.ts';

export type PaymentSearch = {
  readonly status?: PaymentStatus;
  readonly portal?: string;
  readonly text?: string;
  /** The payment shown in the side panel. */
  readonly payment?: string;
};

/** Reads an address as people type it: what is unknown or empty is left out. */
export function readPaymentSearch(raw: Readonly<Record<string, unknown>>): PaymentSearch {
  const status = PAYMENT_STATUSES.find((one) => one === raw.status);
  const portal = textOf(raw.portal);
  const text = textOf(raw.text);
  const payment = textOf(raw.payment);
  return {
    ...(status === undefined ? {} : { status }),
    ...(portal === undefined ? {} : { portal }),
    ...(text === undefined ? {} : { text }),
    ...(payment === undefined ? {} : { payment }),
  };
}

export function isFiltered({ status, portal, text }: PaymentSearch): boolean {
  return status !== undefined || portal !== undefined || text !== undefined;
}

/** `?status=failed&text=INV 7`, plain, without the router's JSON quoting. */
export function writeSearch(search: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') params.set(name, value);
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

export function readSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
