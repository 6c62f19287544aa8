/**
 * Who is looking: the API key of this tab. It lives in sessionStorage, so closing the tab forgets
 * it.
 */

export type Session = {
  readonly key: string | null;
  /** True when the server did not accept the last key. */
  readonly refused: boolean;
};

const STORED_AS = 'checkvalve.key';

let session: Session = { key: sessionStorage.getItem(STORED_AS), refused: false };
const listeners = new Set<() => void>();

function become(next: Session): void {
  session = next;
  if (next.key === null) sessionStorage.removeItem(STORED_AS);
  else sessionStorage.setItem(STORED_AS, next.key);
  for (const listener of listeners) listener();
}

/** The session now; the same object until it changes. */
export function currentSession(): Session {
  return session;
}

/** Calls back on every change until the returned function is called. */
export function watchSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** True for what a header can carry; anything else is not sent at all. */
export function couldBeKey(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

export function signIn(key: string): void {
  become(couldBeKey(key) ? { key, refused: false } : { key: null, refused: true });
}

export function signOut(): void {
  become({ key: null, refused: false });
}

/** Forgets a key the server answered 401 to, unless another one took its place meanwhile. */
export function refuseKey(key: string): void {
  if (session.key === key) become({ key: null, refused: true });
}

/**
 * Takes a key handed over as `#key=…` and removes it from the address, so that it reaches neither
 * the history nor a copied link. A fragment never leaves the browser.
 */
export function takeKeyFromAddress(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key === null || key === '') return;
  history.replaceState(history.state, '', location.pathname + location.search);
  signIn(key);
}
