/** Who pays, as either generation names them. */
import type { Payer } from '../events.ts';
import type { AccountMini } from './wire.ts';

/** Names are optional: the company, else the person. The account code is the firm's own key. */
export function payerOf(account: AccountMini): Payer | null {
  const person = [account.first_name, account.last_name].map(present).filter((part) => part);
  const payer = {
    externalId: present(account.code),
    name: present(account.company) ?? (person.join(' ') || null),
    email: present(account.email),
  };
  return (payer.externalId ?? payer.name ?? payer.email) ? payer : null;
}

/** The text without blanks around it; null when nothing is left. */
export function present(text: string | null | undefined): string | null {
  return text?.trim() || null;
}
