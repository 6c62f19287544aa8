/** Secrets in settings: they travel as objects that refuse to print. */
import { z } from 'zod';

/** Holds a secret text; printing, inspecting or serialising it shows `[secret]`. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** The text itself; call it only where it is signed with or sent. */
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** A required secret; `find` says where in the portal's own screens the value stands. */
export function secret(find: string) {
  return z
    .string({ error: `required; ${find}` })
    .trim()
    .min(1, `required; ${find}`)
    .transform((value) => new Secret(value))
    .meta({ secret: true, description: find });
}

/** One or more secrets, comma separated, all valid at once while a secret is being rotated. */
export function secrets(find: string) {
  return z
    .string({ error: `required; ${find}` })
    .transform((value) => value.split(',').map((one) => one.trim()))
    .refine((list) => list.every((one) => one.length > 0), `must not be blank; ${find}`)
    .transform((list) => list.map((one) => new Secret(one)))
    .meta({ secret: true, description: `${find} Several, comma separated, while rotating.` });
}
