/** Recording our payments in Sage 50, by the bridge that can, else by a file. */
import type { Portal } from '../contract.ts';
import { importFile } from './import-file.ts';
import { recordOpenSource, reverseOpenSource } from './record-open-source.ts';
import { recordOwn, reverseOwn } from './record-own.ts';
import { refusal } from './recording.ts';
import type { Sage50Settings } from './settings.ts';

export const books: NonNullable<Portal<Sage50Settings>['books']> = {
  async recordPayment(api, payment, context) {
    const { bridge } = context.settings;
    if (bridge === 'own') return recordOwn(api, payment, context);
    if (bridge === 'oss') return recordOpenSource(api, payment, context);
    throw byFile(payment.mark);
  },

  async reversePayment(api, recorded, context) {
    const { bridge } = context.settings;
    if (bridge === 'own') return reverseOwn(api, recorded, context);
    if (bridge === 'oss') return reverseOpenSource(api, recorded, context);
    throw byFile(recorded.mark);
  },

  importFile,
};

/** Never reached while the settings stay: what goes by file is not asked of a program. */
function byFile(mark: string) {
  return refusal(`no bridge records ${mark}: it goes by an import file`);
}
