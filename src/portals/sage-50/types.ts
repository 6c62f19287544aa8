/** The kinds of transactions of the UK edition, as far as they matter to customers' money. */

/** The numbers by which Sage's own interface calls them. */
const CODES: Readonly<Record<string, string>> = {
  '1': 'SI',
  '2': 'SC',
  '3': 'SR',
  '4': 'SA',
  '5': 'SD',
  '6': 'PI',
  '7': 'PC',
  '8': 'PP',
  '9': 'PA',
  '10': 'PD',
  '15': 'JD',
  '16': 'JC',
};

/** Purchases, payments out of the bank and journals. */
const NOBODYS = ['BP', 'CP', 'VP', 'JD', 'JC', 'PI', 'PC', 'PD', 'PP', 'PA', 'PR'];

/** `SR`, however it is written; what is not known stays as it came. */
export function typeOf(said: string | null | undefined): string {
  const text = (said ?? '').trim().toUpperCase();
  return CODES[text] ?? text;
}

/** True for a kind that is known and never a customer's. */
export function isNobodys(type: string): boolean {
  return NOBODYS.includes(type);
}
