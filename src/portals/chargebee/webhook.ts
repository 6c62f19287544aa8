/** Deliveries: HTTP Basic credentials are all the proof that Chargebee gives. */
import type { Notice, Verdict } from '../contract.ts';
import { judgeBasic } from '../kit/basic.ts';
import type { ChargebeeSettings } from './settings.ts';

/** Members that every event of Chargebee has, and together nobody else's. */
const MEMBERS = ['"occurred_at"', '"event_type"', '"content"'];

/** True for the envelope of a Chargebee event, whatever its API version. */
export function recognizes({ body }: Notice): boolean {
  return MEMBERS.every((member) => body.includes(member));
}

/** Fails closed while no user and password are set. */
export function authenticate(notice: Notice, settings: ChargebeeSettings): Verdict {
  return judgeBasic(notice, { user: settings.webhookUser, passwords: settings.webhookPassword });
}
