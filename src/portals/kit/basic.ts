/** HTTP Basic authentication of deliveries (RFC 7617), in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Notice, Verdict } from '../contract.ts';
import type { Secret } from './secret.ts';
import { AUTHENTIC, refused } from './verdict.ts';

/**
 * Judges the `Authorization` header of a delivery by the user and the passwords that the connection expects;
 * several passwords are valid at once while one is being changed.
 */
export function judgeBasic(
  notice: Notice,
  expected: {
    readonly user: string | undefined;
    readonly passwords: readonly Secret[] | undefined;
  },
): Verdict {
  const { user, passwords = [] } = expected;
  if (user === undefined || passwords.length === 0) {
    return refused(
      'signature-wrong',
      'this connection has no webhook user and password to check with',
    );
  }
  const header = notice.headers.authorization;
  if (!header) {
    return refused(
      'signature-missing',
      'it came without user and password: set them at the portal, too',
    );
  }
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header) ?? [];
  if (encoded === undefined) {
    return refused('signature-malformed', 'its Authorization header is not HTTP Basic');
  }
  const given = Buffer.from(encoded, 'base64');
  const genuine = passwords.map((password) => same(given, `${user}:${password.reveal()}`));
  if (genuine.includes(true)) return AUTHENTIC;
  const sameUser = given.toString('utf8').startsWith(`${user}:`);
  return refused(
    'signature-wrong',
    sameUser
      ? 'the password is not the one of this connection'
      : 'the user is not the one of this connection',
  );
}

/** Hashed first, so that neither content nor length shows in the time taken. */
function same(given: Buffer, expected: string): boolean {
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(given), digest(Buffer.from(expected, 'utf8')));
}
