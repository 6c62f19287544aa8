/** The documents in a body: the XML of a notice, or the records of a GraphQL page. */
import { z } from 'zod';
import type { SplitDocument } from '../contract.ts';
import {
  digestOf,
  parseVerbatim,
  printVerbatim,
  splitRecords,
  unreadable,
} from '../kit/documents.ts';
import { readForm, xmlOf } from './webhook.ts';

/**
 * Never throws. A notice is kept as the XML that was signed, so that people can read it and card numbers in it
 * are masked; the signature of a retry may differ where its XML does not.
 */
export function split(body: Buffer): readonly SplitDocument[] {
  const form = readForm(body);
  const xml = form ? xmlOf(form) : body;
  if (/^\s*</.test(xml.subarray(0, 100).toString('utf8'))) return [{ key: xmlKey(xml), body: xml }];
  try {
    const value = parseVerbatim(body);
    const records = recordsOf(value);
    if (records) return splitRecords(records, recordKey);
    return [{ key: recordKey(value, body), body }];
  } catch {
    return unreadable(body);
  }
}

/** A notice has no id: what tells one from another is all of it. */
function xmlKey(xml: Buffer): string {
  const [, kind] = /<kind>([a-z_]{1,60})<\/kind>/.exec(xml.toString('utf8')) ?? [];
  return `${kind ? `notice:${kind}` : 'xml'}:${digestOf(xml)}`;
}

const edges = z.object({
  edges: z.array(z.object({ node: z.unknown() }).nullable()).nullable(),
});
const page = z.object({
  data: z.object({
    search: z.union([z.object({ payments: edges }), z.object({ disputes: edges })]),
  }),
});
const single = z.object({ data: z.object({ node: z.record(z.string(), z.unknown()) }) });

/** The records of an answer; undefined for anything else. */
function recordsOf(value: unknown): readonly unknown[] | undefined {
  const one = single.safeParse(value);
  if (one.success) return [member(member(value, 'data'), 'node')];
  const many = page.safeParse(value);
  if (!many.success) return undefined;
  const search = many.data.data.search;
  const list = 'payments' in search ? search.payments : search.disputes;
  return (list.edges ?? []).flatMap((edge) => (edge?.node ? [edge.node] : []));
}

const record = z.object({ __typename: z.string().max(40), legacyId: z.string().max(80) });

/** The digest tells the states of an object apart, which changes in place. */
function recordKey(value: unknown, bytes: Buffer): string {
  const read = record.safeParse(value);
  if (!read.success) return `unreadable:${digestOf(bytes)}`;
  const { __typename, legacyId } = read.data;
  return `${__typename.toLowerCase()}:${legacyId}:${digestOf(printVerbatim(value))}`;
}

function member(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[name];
}
