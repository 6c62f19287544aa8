/** Any source without a portal of its own: a signed webhook, CSV exports, and files of banks. */
import { definePortal } from '../contract.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';
import { split } from './split.ts';
import { WEBHOOK_TYPES } from './webhook-body.ts';

export const generic = definePortal({
  id: 'generic',
  name: 'Generic source',
  settings,
  tells: [...WEBHOOK_TYPES, 'payout.banked'],
  payoutNames: [],
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 1024 * 1024,
  },
  uploadLimitBytes: 20 * 1024 * 1024,
  split,
  normalize,
});
