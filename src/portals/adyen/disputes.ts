/** Disputes, whose events all share one reference. */
import type { Normalized } from '../contract.ts';
import { merchantReferences } from './references.ts';
import type { AdyenSettings } from './settings.ts';
import { type ItemReader, one, reasonOf, succeeded, tell } from './telling.ts';
import { additional, type Item } from './wire.ts';

type Outcome = 'won' | 'lost';

/** Who has won by each event that ends a dispute. */
const ENDS: readonly (readonly [string, Outcome])[] = [
  ['ISSUER_RESPONSE_TIMEFRAME_EXPIRED', 'won'],
  ['PREARBITRATION_WON', 'won'],
  ['SCHEME_ARBITRATION_WON', 'won'],
  ['SECOND_CHARGEBACK', 'lost'],
  ['PREARBITRATION_LOST', 'lost'],
  ['SCHEME_ARBITRATION_LOST', 'lost'],
];

/**
 * The words of `disputeStatus` and the outcome each excludes. Nobody signs it, so it can only hold an outcome back
 * that a signed event code claims, never make one.
 */
const EXCLUDES: ReadonlyMap<string, Outcome> = new Map([
  ['Won', 'lost'],
  ['Lost', 'won'],
  ['Accepted', 'won'],
  ['Undefended', 'won'],
]);

const LOST_BY_DEFAULT = ['Lost', 'Undefended', 'Accepted'];

export const disputeReaders: readonly (readonly [string, ItemReader])[] = [
  ['REQUEST_FOR_INFORMATION', (item, settings) => opened(item, settings, false)],
  ['NOTIFICATION_OF_CHARGEBACK', (item, settings) => opened(item, settings, false)],
  ['CHARGEBACK', (item, settings) => opened(item, settings, true)],
  ['DISPUTE_DEFENSE_PERIOD_ENDED', periodEnded],
  ...ENDS.map(
    ([code, outcome]) =>
      [code, (item: Item, settings: AdyenSettings) => ended(item, settings, outcome)] as const,
  ),
];

/** Announced, asked about, or charged back; only a chargeback takes money, and it may come unannounced. */
function opened(item: Item, settings: AdyenSettings, fundsWithdrawn: boolean): Normalized {
  if (!succeeded(item)) return { ignored: `${item.eventCode}: it did not happen` };
  return dispute(item, settings, { type: 'dispute.opened', fundsWithdrawn });
}

function ended(item: Item, settings: AdyenSettings, outcome: Outcome): Normalized {
  if (!succeeded(item)) return { ignored: `${item.eventCode}: it did not happen` };
  const status = additional(item, 'disputeStatus');
  if (status !== undefined && EXCLUDES.get(status) === outcome) {
    return {
      quarantined:
        `${item.eventCode} of dispute ${item.pspReference} means ${outcome}, its disputeStatus is ` +
        `"${status}": they contradict; look at the dispute in the Customer Area`,
    };
  }
  return dispute(item, settings, { type: `dispute.${outcome}` });
}

/** Without a defence the dispute is lost; a defence that was handed in, or an inquiry that expired, is not. */
function periodEnded(item: Item, settings: AdyenSettings): Normalized {
  if (!succeeded(item)) return { ignored: `${item.eventCode}: it did not happen` };
  const status = additional(item, 'disputeStatus');
  if (status === undefined || LOST_BY_DEFAULT.includes(status)) {
    return dispute(item, settings, { type: 'dispute.lost' });
  }
  return { ignored: `${item.eventCode}: the dispute is ${status}, not lost by it` };
}

function dispute(
  item: Item,
  settings: AdyenSettings,
  state: {
    readonly type: 'dispute.opened' | 'dispute.won' | 'dispute.lost';
    readonly fundsWithdrawn?: boolean;
  },
): Normalized {
  return one(
    tell(item, {
      ...state,
      externalPaymentId: item.originalReference || null,
      disputeId: item.pspReference,
      references: merchantReferences(item.merchantReference, settings),
      ...reasonOf(item),
    }),
  );
}
