/** The way from the portals to us: notices are late, shuffled, doubled, lost, and forged ones are among them. */
import type { SimulatedNotice } from '../../simulators/contract.ts';
import { type Received, receive, receiveAnywhere } from '../../src/intake/receive.ts';
import type { Notice } from '../../src/portals/contract.ts';
import { findPortal } from '../../src/portals/index.ts';
import { CutOff, insist } from './cut-off.ts';
import type { ConnectedPortal, Firm } from './firm.ts';

type Letter = {
  readonly portal: ConnectedPortal;
  readonly notice: SimulatedNotice;
  readonly dueMs: number;
};

export type PostOffice = {
  /** Takes what the portals have to send; `faithful` delivers each once, soon. */
  collect(options?: { readonly faithful: boolean }): void;
  /** Delivers what is due. */
  deliver(): Promise<void>;
  /** When the last letter is due; undefined when none waits. */
  lastDueMs(): number | undefined;
  /** Sends every notice there ever was once more, the lost ones too. */
  repeatAll(): Promise<void>;
  readonly counts: { delivered: number; lost: number; forged: number; unanswered: number };
};

const HOUR_MS = 3_600_000;
const AT_ONCE = 6;

export function postOffice(firm: Firm): PostOffice {
  const { clock } = firm;
  const random = firm.random.network;
  const counts = { delivered: 0, lost: 0, forged: 0, unanswered: 0 };
  const sent: Omit<Letter, 'dueMs'>[] = [];
  let waiting: Letter[] = [];

  /** A reversal that names its payment by the work order alone cannot be told from another before its payment. */
  const isOrdered = (portal: ConnectedPortal) => portal.simulated.reversalsByWorkOrder === 'own';

  const put = (letter: Omit<Letter, 'dueMs'>, delayMs: number): void => {
    waiting.push({ ...letter, dueMs: clock.at().getTime() + delayMs });
  };

  const send = (portal: ConnectedPortal, notice: SimulatedNotice): void => {
    const letter = { portal, notice };
    sent.push(letter);
    if (isOrdered(portal)) return put(letter, 0);
    if (!portal.simulated.redelivers && random.chance(0.12)) {
      counts.lost += 1;
      return;
    }
    put(letter, random.chance(0.5) ? 0 : random.between(1, 30 * HOUR_MS));
    if (random.chance(0.15)) put(letter, 0);
    if (random.chance(0.1)) put(letter, random.between(HOUR_MS, 200 * HOUR_MS));
  };

  const deliverOne = async (letter: Letter): Promise<void> => {
    try {
      const received = await hand(firm, letter, signed(firm, letter.notice));
      // The portal could not be asked whether it sent this, and is told to send it again.
      if (received.result === 'undecided') return again(letter);
      if (received.result !== 'stored' || received.reply.status >= 300) {
        throw new Error(`${letter.portal.id} ${letter.notice.label} was ${says(received)}`);
      }
      counts.delivered += 1;
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
      again(letter);
    }
  };

  /** Not acknowledged: the portal sends it again. */
  const again = (letter: Letter): void => {
    counts.unanswered += 1;
    put(letter, 60_000);
  };

  const deliverAll = async (letters: readonly Letter[]): Promise<void> => {
    const ordered = letters.filter(({ portal }) => isOrdered(portal));
    for (const letter of ordered) {
      await insist(() => hand(firm, letter, signed(firm, letter.notice)));
      counts.delivered += 1;
    }
    const shuffled = random.shuffle(letters.filter(({ portal }) => !isOrdered(portal)));
    while (shuffled.length > 0) {
      const some = shuffled.splice(0, random.between(1, AT_ONCE));
      const deliveries = some.map(deliverOne);
      if (random.chance(0.2)) deliveries.push(deliverForgery(firm, some[0] as Letter, counts));
      await Promise.all(deliveries);
    }
  };

  return {
    counts,
    collect: ({ faithful } = { faithful: false }) => {
      for (const portal of firm.portals) {
        for (const notice of portal.simulated.takeNotices()) {
          if (!faithful) send(portal, notice);
          else {
            sent.push({ portal, notice });
            put({ portal, notice }, 0);
          }
        }
      }
    },
    deliver: async () => {
      const nowMs = clock.at().getTime();
      const due = waiting.filter(({ dueMs }) => dueMs <= nowMs);
      waiting = waiting.filter(({ dueMs }) => dueMs > nowMs);
      await deliverAll(due);
    },
    lastDueMs: () =>
      waiting.length === 0 ? undefined : Math.max(...waiting.map(({ dueMs }) => dueMs)),
    repeatAll: () => deliverAll(sent.map((letter) => ({ ...letter, dueMs: 0 }))),
  };
}

function signed(firm: Firm, notice: SimulatedNotice): Notice {
  const receivedAt = firm.clock.at();
  return { ...notice.sign(receivedAt), url: '/', receivedAt };
}

/** By the connection's address, or by the one address for all portals. */
function hand(
  firm: Firm,
  { portal, notice: { addressed } }: Pick<Letter, 'portal' | 'notice'>,
  notice: Notice,
): Promise<Received> {
  const anywhere = firm.random.network.chance(0.3) && !addressed;
  if (anywhere) return receiveAnywhere(firm.receiving, notice);
  const { id: portalId, connectionId } = portal;
  return receive(firm.receiving, { portalId, connectionId, notice });
}

/** Headers that prove a delivery; `covers` says whether they prove its body, too. */
const PROOFS: readonly { readonly header: string; readonly coversBody: boolean }[] = [
  { header: 'stripe-signature', coversBody: true },
  { header: 'x-mollie-signature', coversBody: true },
  { header: 'intuit-signature', coversBody: true },
  { header: 'x-access-token', coversBody: false },
  { header: 'paypal-transmission-sig', coversBody: true },
  { header: 'x-square-hmacsha256-signature', coversBody: true },
  { header: 'x-anet-signature', coversBody: true },
  { header: 'x-shopify-hmac-sha256', coversBody: true },
  { header: 'recurly-signature', coversBody: true },
  { header: 'webhook-signature', coversBody: true },
  { header: 'svix-signature', coversBody: true },
  { header: 'x-sync-signature', coversBody: true },
  { header: 'authorization', coversBody: false },
  { header: 'x-nudge-token', coversBody: false },
  { header: 'x-sync-signature', coversBody: true },
];

/** Sends a copy that somebody changed. @throws when it is taken for the portal's. */
async function deliverForgery(
  firm: Firm,
  { portal, notice }: Letter,
  counts: PostOffice['counts'],
): Promise<void> {
  const genuine = signed(firm, notice);
  const forged = notice.forge
    ? { ...genuine, ...notice.forge(genuine.receivedAt) }
    : forge(firm, genuine);
  counts.forged += 1;
  try {
    const received = await hand(firm, { portal, notice }, forged);
    // What portals do not sign may make us look; that it does nothing else shows in the books.
    if (received.result === 'refused' || received.result === 'undecided') return;
    if (isHint(portal, forged)) return;
    throw new Error(`a forged ${portal.id} ${notice.label} was ${says(received)}`);
  } catch (error) {
    if (!(error instanceof CutOff)) throw error;
  }
}

function isHint({ id, simulated }: ConnectedPortal, notice: Notice): boolean {
  const portal = findPortal(id);
  const settings = portal?.settings.parse(simulated.settings);
  return portal?.webhook?.authenticate(notice, settings).verdict === 'hint';
}

/** Another body under the same signature, or the same body under a changed one. */
function forge(firm: Firm, genuine: Notice): Notice {
  const proof = PROOFS.find(({ header }) => header in genuine.headers);
  if (!proof)
    throw new Error('nothing signs this delivery: its simulator must say how it is forged');
  if (proof.coversBody && firm.random.network.chance(0.5)) {
    const text = genuine.body.toString();
    const digit = text.search(/\d/);
    const other = text[digit] === '9' ? '8' : '9';
    const body = Buffer.from(text.slice(0, digit) + other + text.slice(digit + 1));
    return { ...genuine, body };
  }
  const value = genuine.headers[proof.header] as string;
  const place = value.length - 5;
  const other = value[place] === 'a' ? 'b' : 'a';
  const changed = value.slice(0, place) + other + value.slice(place + 1);
  return { ...genuine, headers: { ...genuine.headers, [proof.header]: changed } };
}

function says(received: Received): string {
  if (received.result === 'stored') return `stored and answered ${received.reply.status}`;
  return received.result === 'refused' ? `refused: ${received.because}` : received.result;
}
