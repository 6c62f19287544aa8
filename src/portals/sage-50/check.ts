/** One cheap call that shows which company the bridge has open. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askHyper } from './hyperaccounts.ts';
import { ask } from './open-source.ts';
import { cursorFrom } from './own-bridge.ts';
import type { Sage50Settings } from './settings.ts';
import { page } from './wire.ts';

/** @throws Rejected for a bridge that runs without Sage 50 behind it, or with other data */
export async function check(api: PortalApi, settings: Sage50Settings): Promise<string> {
  const { dataset, edition } = settings;
  const named = `Sage 50 (${edition.toUpperCase()}), data "${dataset}"`;
  switch (settings.bridge) {
    case 'none':
      return `${named}: by files only, so nothing can be asked`;
    case 'own':
      return `${named}: ${await checkOwn(api, settings)}`;
    case 'oss':
      return `${named}: ${await checkOpenSource(api)}`;
    case 'hyperaccounts':
      return `${named}: ${await checkHyper(api)}`;
  }
}

async function checkOwn(api: PortalApi, { dataset }: Sage50Settings): Promise<string> {
  const query = { since: cursorFrom('2000-01-01'), limit: '1' };
  const { body } = await api.request({ path: 'v1/receipts', query });
  const told = readWire(page, parseExactJson(body));
  if (told.dataset === dataset) return 'its bridge answers';
  throw without(`the bridge has the data "${told.dataset}" open, not "${dataset}"`);
}

const status = z.object({ connected: z.boolean(), version: z.string().nullish() });

async function checkOpenSource(api: PortalApi): Promise<string> {
  const data = await ask(api, { path: 'api/status' }, { absent: null });
  const { connected, version } = readWire(status, data);
  if (connected) return `Sage50Accounts ${version ?? ''} answers`.replace('  ', ' ');
  throw without('the bridge runs, but has no connection to Sage 50: look at its window on the PC');
}

const hyperStatus = z.object({
  response: z.object({
    companyName: z.string(),
    sageVersion: z.string().nullish(),
    odbcStatusOk: z.boolean().nullish(),
  }),
});

async function checkHyper(api: PortalApi): Promise<string> {
  const { response } = readWire(hyperStatus, await askHyper(api, { path: 'api/status' }));
  if (response.odbcStatusOk === false) {
    throw without(
      'HyperAccounts runs, but cannot read the data of Sage 50 (odbcStatusOk is false)',
    );
  }
  return `HyperAccounts has ${response.companyName} open`;
}

function without(message: string): Rejected {
  return new Rejected(message, { status: 503, body: '' });
}
