/** The four causes a portal's API can fail with; an exhaustive switch in the engine decides what follows. */

/** Try again, not before `afterMs` when the portal said so: timeouts, 429, 5xx, broken connections. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly afterMs: number | undefined;
  /** The portal is well: something on our own side has to come first. */
  readonly ourSide: boolean;
  constructor(
    message: string,
    options: { afterMs?: number; ourSide?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.afterMs = options.afterMs;
    this.ourSide = options.ourSide ?? false;
  }
}

/** The credentials no longer work; a person must connect again. */
export class Reauthorize extends Error {
  override readonly name = 'Reauthorize';
}

/** The portal understood and refused; repeating the same call cannot help. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
  readonly status: number;
  readonly body: string;
  constructor(message: string, options: { status: number; body: string }) {
    super(message);
    this.status = options.status;
    this.body = options.body;
  }
}

/** The answer is not what the portal documents; `path` names where. */
export class WireMismatch extends Error {
  override readonly name = 'WireMismatch';
}
