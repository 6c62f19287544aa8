/** The documents in what Adyen sends: one notification item, or one row of a report. */
import type { SplitDocument } from '../contract.ts';
import { digestOf, parseVerbatim, printVerbatim, unreadable } from '../kit/documents.ts';
import { isReport, type ReportLine, readReport } from './report-lines.ts';
import { itemIn, looksLikeJson, readDelivery } from './wire.ts';

/** Never throws; a body that cannot be taken apart is one document, left as it came. */
export function split(body: Buffer): readonly SplitDocument[] {
  try {
    if (isReport(body)) return splitReport(body);
    const delivery = readDelivery(body);
    if (!delivery || delivery.items.length === 0) return unreadable(body);
    const [only] = delivery.items;
    if (delivery.items.length === 1 || !looksLikeJson(body))
      return [{ key: keyOf(only, body), body }];
    return splitItems(body);
  } catch {
    return unreadable(body);
  }
}

/** Each item in an envelope of its own, so that it still says whether it is live; a repeated item counts once. */
function splitItems(body: Buffer): readonly SplitDocument[] {
  const envelope = parseVerbatim(body) as { readonly notificationItems: readonly unknown[] };
  const documents = envelope.notificationItems.map((element) => {
    const bytes = printVerbatim({ ...envelope, notificationItems: [element] });
    return { key: keyOf(itemIn(element), bytes), body: bytes };
  });
  return firstOfEach(documents);
}

/**
 * Adyen's own rule for telling repeats: account, reference, event and success. What else a repeat changes (its
 * date, its reason) is not signed. A report may be made anew under its old name, at another time.
 */
function keyOf(item: unknown, bytes: Buffer): string {
  const fields = (item ?? {}) as Record<string, unknown>;
  const { merchantAccountCode, pspReference, eventCode, success, eventDate } = fields;
  const parts = [merchantAccountCode, pspReference, eventCode, String(success)];
  if (eventCode === 'REPORT_AVAILABLE') parts.push(eventDate);
  const isWhole = parts.every((part) => typeof part === 'string' && part !== '');
  return isWhole ? `item:${parts.join(':')}` : `body:${digestOf(bytes)}`;
}

/** Costs that belong to no payment travel with the payout they were taken from. */
function splitReport(body: Buffer): readonly SplitDocument[] {
  const { header, lines } = readReport(body);
  const groups = new Map<ReportLine, ReportLine[]>(lines.map((line) => [line, [line]]));
  for (const line of lines.filter(({ isCost }) => isCost)) {
    const payout = lines.find((other) => other.isPayout && other.batch === line.batch);
    if (!payout) continue;
    groups.get(payout)?.push(line);
    groups.delete(line);
  }
  const documents = [...groups].map(([{ name }, members]) => {
    const inOrder = lines.filter((line) => members.includes(line));
    const bytes = Buffer.from(`${[header, ...inOrder.map(({ raw }) => raw)].join('\n')}\n`);
    return { key: `report:${name}:${digestOf(bytes)}`, body: bytes };
  });
  if (documents.length === 0) return [{ key: `report:empty:${digestOf(body)}`, body }];
  return firstOfEach(documents);
}

function firstOfEach(documents: readonly SplitDocument[]): readonly SplitDocument[] {
  const seen = new Set<string>();
  return documents.filter(({ key }) => (seen.has(key) ? false : seen.add(key)));
}
