/** Errors of Xero's, which come as answers of their own or inside an answer that says 200. */
import { errorAnswer, RESOURCES, refusedRow } from './wire.ts';

/** What a parsed answer complains about; undefined when it does not complain. */
export function describeRefusal(value: object): string | undefined {
  const rows = RESOURCES.flatMap((name) => {
    const list = (value as Readonly<Record<string, unknown>>)[name];
    return Array.isArray(list) ? (list as readonly unknown[]) : [];
  });
  const complaints = rows.flatMap(complaintsOf);
  if ('ErrorNumber' in value || 'Elements' in value) complaints.push(...errorComplaints(value));
  else if (rows.length === 0 && 'Title' in value && 'Detail' in value) {
    complaints.push(...errorComplaints(value));
  }
  return complaints.length > 0 ? [...new Set(complaints)].join('; ') : undefined;
}

function complaintsOf(row: unknown): readonly string[] {
  const parsed = refusedRow.safeParse(row);
  if (!parsed.success) return [];
  const { HasValidationErrors, StatusAttributeString, ValidationErrors } = parsed.data;
  const messages = (ValidationErrors ?? []).flatMap(({ Message }) => Message ?? []);
  const refused = HasValidationErrors || StatusAttributeString === 'ERROR' || messages.length > 0;
  if (!refused) return [];
  return messages.length > 0 ? messages : ['it does not say why'];
}

function errorComplaints(value: object): readonly string[] {
  const parsed = errorAnswer.safeParse(value);
  if (!parsed.success) return ['it cannot be read'];
  const { Elements, Type, Title, Message, Detail } = parsed.data;
  const messages = (Elements ?? []).flatMap(complaintsOf);
  const named = [Title, Message, Detail, Type].filter((text) => typeof text === 'string');
  return messages.length > 0 ? messages : [named.join(', ') || 'it does not say why'];
}
