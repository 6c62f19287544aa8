/** Secrets inside deliveries: sealed where they stand before anything is stored, and opened only for who needs them. */
import type { Connection } from './connections.ts';
import type { Sealer } from './sealing.ts';

type Where = Pick<Connection, 'organizationId' | 'id'>;

const CONCEALED = /sealed\.([A-Za-z0-9_-]+)/g;

/** The delivery's body as it may be stored. */
export function concealSecrets(sealer: Sealer, connection: Connection, body: Buffer): Buffer {
  const conceal = connection.portal.webhook?.conceal;
  if (!conceal) return body;
  const context = contextOf(connection);
  const seal = (secret: string) => `sealed.${sealer.seal(secret, context).toString('base64url')}`;
  return conceal(body, seal);
}

/** A text with what was concealed in it; what another connection, or nobody, has sealed stays as it is. */
export function revealSecrets(sealer: Sealer, connection: Where, text: string): string {
  return text.replace(CONCEALED, (token, sealed: string) => {
    try {
      return sealer.open(Buffer.from(sealed, 'base64url'), contextOf(connection));
    } catch {
      return token;
    }
  });
}

function contextOf({ organizationId, id }: Where): string {
  return `delivery:${organizationId}:${id}`;
}
