/** The words the console uses for the codes of the API. A code without a word is shown as it is. */

const ACTIONS: Readonly<Record<string, string>> = {
  'service.release': 'Service released',
  'repair.approve': 'Repair approved',
  'parts.dispatch': 'Parts dispatched',
  'contract.trigger': 'Contract triggered',
  'warranty.activate': 'Warranty activated',
};

const METHODS: Readonly<Record<string, string>> = {
  ach: 'ACH',
  bank: 'Bank transfer',
  check: 'Cheque',
};

export function actionWords(name: string): string {
  return ACTIONS[name] ?? sentence(name);
}

export function methodWords(method: string): string {
  return METHODS[method] ?? sentence(method);
}

/** `payment.succeeded` and `partially_paid` as `Payment succeeded` and `Partially paid`. */
export function sentence(code: string): string {
  const words = code.replace(/[._-]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
