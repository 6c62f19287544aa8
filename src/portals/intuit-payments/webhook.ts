/** Which notices are this portal's at the address that all portals share. */
import type { Notice } from '../contract.ts';
import { SIGNATURE } from '../kit/intuit.ts';
import { isAccountingNotice } from '../kit/intuit-notices.ts';
import { mentionsCreated } from './created.ts';

/** Accounting's notices belong to QuickBooks there; at the connection's own address they are read here as well. */
export function recognizes(notice: Notice): boolean {
  if (notice.headers[SIGNATURE] === undefined || isAccountingNotice(notice)) return false;
  return mentionsCreated(notice.body);
}
