/** What a portal is: data and pure functions. The engine owns every connection, clock, retry and write. */
import type { ZodType } from 'zod';
import type { CanonicalEvent, EventType } from './events.ts';
import type { OAuthClient } from './kit/oauth.ts';
import type { Secret } from './kit/secret.ts';

/** A delivery as it arrived. Header names are lower case, repeated headers joined by ", ". */
export type Notice = {
  /** POST unless it says otherwise; GET is only ever a challenge, which `handshake` answers. */
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** The body's bytes, untouched. */
  readonly body: Buffer;
  /** Path and query as received. */
  readonly url: string;
  readonly receivedAt: Date;
};

/**
 * `authentic`: the signature proves the bytes. `hint`: the portal does not sign, so the document may only
 * cause a fetch, never an event. `refused`: no effect; `because` tells a person what to look at. `ask`: the proof
 * needs something of the portal's (a certificate, its own verification), which `webhook.ask` gets.
 */
export type Verdict =
  | { readonly verdict: 'authentic' }
  | { readonly verdict: 'hint' }
  | { readonly verdict: 'ask' }
  | { readonly verdict: 'refused'; readonly code: RefusalCode; readonly because: string };

/** Where a delivery's proof may be asked for, beyond the bytes at hand. */
export type Asking = {
  /** A public file by its address, without credentials or redirects; kept for the life of the process. */
  download(url: string): Promise<Buffer>;
  /** The connection's API, for a portal that verifies on request. */
  readonly api: PortalApi;
};

const REFUSAL_CODES = [
  'signature-missing',
  'signature-malformed',
  'signature-wrong',
  'timestamp-stale',
  'token-expired',
  'wrong-account',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/**
 * One document inside a notice or page. `key` de-duplicates within the connection: same key, same document.
 * `repeatable`: the portal sends the same bytes for different changes (`id=tr_…`), so the engine keeps every
 * delivery as a document of its own and coalesces the fetches they cause.
 */
export type SplitDocument = {
  readonly key: string;
  readonly body: Buffer;
  readonly repeatable?: boolean;
};

/** An object to fetch after a notice that only names it. */
export type FetchRequest = { readonly entity: string; readonly id: string };

export type Fetched = {
  readonly request: FetchRequest;
  readonly body: Buffer;
  /** A secret that the portal proved to be its own by this: added to those of a setting made by `secrets()`. */
  readonly learned?: { readonly setting: string; readonly secret: Secret };
};

/** A stored document as `normalize` sees it; `headers` are empty for what was pulled, fetched or uploaded. */
export type PortalDocument = {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: Date;
};

/**
 * What one document becomes. Whatever `normalize` throws quarantines the document with the error's message,
 * so it never guesses: unknown currency, unknown status and unreadable shape are thrown or returned as `quarantined`.
 * Events may come with objects to fetch that tell the rest (the payer, the invoice).
 */
export type Normalized =
  | { readonly events: readonly CanonicalEvent[]; readonly fetch?: readonly FetchRequest[] }
  | { readonly ignored: string }
  | { readonly quarantined: string }
  | { readonly fetch: readonly FetchRequest[] };

/** Transport to one connection's API. Errors are `PortalError`s of `kit/errors.ts`; the engine decides on retries. */
export type PortalApi = {
  /** @throws RetryLater, Reauthorize, Rejected, WireMismatch */
  request(call: ApiCall): Promise<ApiAnswer>;
};
export type ApiCall = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the base URL, or an absolute URL of its origin (a `next` link) or of one in `otherBaseUrls`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  /** A body that is neither JSON nor a form (XML …). */
  readonly body?: { readonly type: string; readonly text: string };
  /** Statuses that are answers, not errors (404 for "is it gone?"). */
  readonly accept?: readonly number[];
};
export type ApiAnswer = {
  readonly status: number;
  /** Names in lower case; `set-cookie` only in `cookies`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The values of `Set-Cookie`, each by itself; absent when there are none. */
  readonly cookies?: readonly string[];
  readonly body: Buffer;
};

/** How one connection's API calls prove who we are; the kit performs it. */
export type ApiAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: Secret }
  | { readonly kind: 'basic'; readonly user: string; readonly password: Secret }
  /** A header of the portal's own (`X-API-Key`). */
  | { readonly kind: 'header'; readonly name: string; readonly value: Secret }
  | {
      readonly kind: 'oauth2';
      /** Token endpoint, client and first refresh token; rotation is stored by the engine. */
      readonly client: OAuthClient;
      /** The header that carries the token; `Authorization: Bearer …` when absent. */
      present?(token: string): readonly [name: string, value: string];
      /** True for an answer that refuses the token though its status is not 401; the call is repeated once. */
      refused?(answer: ApiAnswer): boolean;
    }
  /** Each call is signed by itself (OAuth 1.0a). */
  | { readonly kind: 'signed'; sign(call: CallToSign): Readonly<Record<string, string>> }
  | ApiSession;

export type CallToSign = {
  readonly method: string;
  readonly url: URL;
  readonly now: Date;
  /** Fresh for each call. */
  readonly nonce: string;
};

/** A log-in that later calls name (a cookie, a session id in the body) until the portal ends it. */
export type ApiSession = {
  readonly kind: 'session';
  /**
   * Logs in; what it resolves to is kept in memory. `baseUrl` is where the log-in sends the calls that follow: the
   * portal checks that it is one of its own. @throws Reauthorize, RetryLater, WireMismatch
   */
  open(
    send: (call: ApiCall) => Promise<ApiAnswer>,
  ): Promise<{ readonly session: Secret; readonly baseUrl?: string }>;
  /** The call with the session in it. */
  attach(call: ApiCall, session: Secret): ApiCall;
  /** True for an answer that means "log in again"; the call is then repeated once. */
  ended(answer: ApiAnswer): boolean;
  /** Minutes after which a session is opened anew without being told; the portal's own limit or less. */
  readonly minutes: number;
};

/** How a person lets us in from the browser: OAuth 2, authorization code (RFC 6749, section 4.1). */
export type Consent<S> = {
  /** The portal's page, with what is fixed in its query (scope, prompt …); state and redirect are added. */
  page(settings: S): {
    readonly url: string;
    readonly parameters: Readonly<Record<string, string>>;
  };
  /** The portal checks a code verifier (RFC 7636, S256). */
  readonly pkce?: true;
  /** Settings that the way back itself tells (`realmId`, the data centre). @throws WireMismatch when it lies */
  fromRedirect?(query: URLSearchParams, settings: S): Readonly<Record<string, string>>;
  /** The accounts that the new token opens, each with the settings that choose it; a person picks one of several. */
  accounts?(api: PortalApi, settings: S): Promise<readonly ConsentAccount[]>;
  /** Days after which an unused refresh token dies, where answers do not say. */
  readonly refreshTokenDays?: number;
};

export type ConsentAccount = {
  readonly label: string;
  readonly settings: Readonly<Record<string, string>>;
};

export type PortalApiSettings<S> = {
  baseUrl(settings: S): string;
  /** Further hosts of the portal that the same credentials are for: calls name them by absolute URLs. */
  otherBaseUrls?(settings: S): readonly string[];
  /** Certificates (PEM) to be trusted beside the public ones, for servers of the firm's own. */
  certificates?(settings: S): string | undefined;
  auth(settings: S): ApiAuth;
  readonly consent?: Consent<S>;
  /** Headers sent with every call (API version, tenant …). */
  headers?(settings: S): Readonly<Record<string, string>>;
  readonly requestsPerMinute: number;
  /**
   * True for an answer that means "too many requests" though its status is not 429. With a number the portal means,
   * whatever the status, that nothing will be answered for so many milliseconds (a spent daily quota).
   */
  throttled?(answer: ApiAnswer): boolean | { readonly afterMs: number };
};

/** A payment of ours to be recorded in an accounting system. */
export type PaymentToRecord = {
  /** Ours, stable: `pay_12`. */
  readonly paymentId: string;
  /** Short text that marks the record as ours so that its echo is recognised: see `kit/own-mark.ts`. */
  readonly mark: string;
  readonly customerExternalId: string;
  /** Where the money came through: its portal, and the portal's id of the payment. */
  readonly from: { readonly portal: string; readonly externalId: string };
  readonly amountMinor: bigint;
  readonly currency: string;
  /** Day of receipt in the firm's time zone, `YYYY-MM-DD`. */
  readonly receivedOn: string;
  readonly method: string | null;
  readonly memo: string;
  readonly invoices: readonly {
    readonly externalId: string;
    /** The number people know it by, for books that are told of invoices by it. */
    readonly number?: string;
    readonly amountMinor: bigint;
  }[];
};

/**
 * What recording a payment leaves for later: for books without idempotency of their own, and those that cannot tell
 * our payments from others. The text is the portal's own.
 */
export type RecordingNote = {
  readonly paymentId: string;
  /** An invoice, a step: what the note is about. */
  readonly about: string;
  readonly text: string;
  /** By the engine's clock. */
  readonly keptAt: Date;
};
export type RecordingNotes = {
  /** Replaces what was kept about the same; durable once it resolves. */
  keep(about: string, text: string): Promise<void>;
  /**
   * The same, unless a note of another payment about it is in the way: then that one is resolved to and nothing is
   * kept. Of several payments at the same time each sees what those before it kept.
   */
  keepUnless(
    about: string,
    text: string,
    inTheWay: (other: RecordingNote) => boolean,
  ): Promise<RecordingNote | undefined>;
  /** All that was kept for this payment. */
  kept(): Promise<readonly RecordingNote[]>;
};

export type Recording<S> = {
  readonly settings: S;
  readonly idempotencyKey: string;
  readonly notes: RecordingNotes;
};

/** A portal whose settings are `S`; `C` is its pull cursor, JSON that the engine stores with the page it belongs to. */
export type Portal<S = unknown, C = unknown> = {
  /** Folder, URL segment and value in the database. */
  readonly id: string;
  readonly name: string;
  /** Validated when connecting; secrets are made by `secret()` or `secrets()` of the kit. */
  readonly settings: ZodType<S>;
  readonly api?: PortalApiSettings<S>;
  /** Every kind of event its documents can become; a test holds the golden fixtures to it. */
  readonly tells: readonly EventType[];
  /** Its payments may be money that another portal holds (a shop or billing system shows what a processor took). */
  readonly relays?: true;
  /** How banks name it on statements when it pays out, in any case; its name when absent. */
  readonly payoutNames?: readonly string[];
  /** One cheap call that proves the credentials; resolves to a sentence naming the account. */
  check?(api: PortalApi, settings: S): Promise<string>;
  readonly webhook?: {
    /** True when headers and shape are this portal's, for `POST /webhooks/payment-event`. Cheap, never throws. */
    recognizes(notice: Notice): boolean;
    authenticate(notice: Notice, settings: S): Verdict;
    /** Settles what `authenticate` left to be asked. @throws RetryLater: the sender is told to try again. */
    ask?(notice: Notice, settings: S, asking: Asking): Promise<Verdict>;
    /** Replies in place of storing anything (a challenge, also by GET); undefined for an ordinary notice. */
    handshake?(notice: Notice, settings: S): Reply | undefined;
    /** The reply once stored. A function may answer 400 for a body that is stored and quarantined. */
    acknowledge: Reply | ((notice: Notice, settings: S) => Reply);
    readonly bodyLimitBytes?: number;
    /**
     * The body with each secret in it (a key that the portal introduces) replaced by what `seal` makes of it: letters,
     * digits, `.`, `-` and `_`. So it is stored, and a request to fetch that names one has it opened again.
     */
    conceal?(body: Buffer, seal: (secret: string) => string): Buffer;
    /** Paths that the portal's senders insist on, served beside the connection's own address. */
    readonly paths?: readonly string[];
  };
  /** The setting that says in which unit amounts are, where the portal's documents leave that in doubt. */
  readonly unitSetting?: string;
  /** Files of the portal (bank statements, exports) may be uploaded, up to this size; `split` takes them apart. */
  readonly uploadLimitBytes?: number;
  /**
   * The documents in a webhook body, an API page or a file. Never throws: an unreadable body is one document.
   * `headers` are those of the delivery, empty for everything else.
   */
  split(body: Buffer, headers: Readonly<Record<string, string>>): readonly SplitDocument[];
  /**
   * Pure: no clock, network, database, log or module state. In its settings every secret reads `[secret]`:
   * it may ask whether one is given, not what it is.
   */
  normalize(document: PortalDocument, settings: S): Normalized;
  /** Notice-then-fetch, in a job. A request answered by "does not exist" yields no document. */
  fetch?(
    api: PortalApi,
    requests: readonly FetchRequest[],
    settings: S,
  ): Promise<readonly Fetched[]>;
  readonly pull?: {
    readonly everySeconds: number;
    /** How far a pull re-reads before its cursor (`page` subtracts it); duplicates are free. */
    readonly overlapSeconds: number;
    /**
     * A portal that lists nothing is asked by id until the end is certain: `followed` names the payments of the
     * connection that began within so many days and neither failed nor were voided.
     */
    readonly followDays?: number;
    /** The pull needs credentials that this connection may lack; absent means always possible. */
    possible?(settings: S): boolean;
    start(from: Date): C;
    /** One page; `pages` are raw API bodies that `split` understands. `now` is the engine's clock. */
    page(
      api: PortalApi,
      cursor: C,
      context: {
        readonly settings: S;
        readonly now: Date;
        /** The ids to ask for again; given to a pull with `followDays`. */
        readonly followed?: () => Promise<readonly string[]>;
        /** What recording our payments left about these. */
        readonly recordings?: (abouts: readonly string[]) => Promise<readonly RecordingNote[]>;
      },
    ): Promise<{
      readonly bodies: readonly Buffer[];
      readonly next: C;
      readonly more: boolean;
      /** Everything up to this instant has been read, for progress; absent when the order does not tell. */
      readonly reached?: Date;
    }>;
  };
  /** Present when the portal can play the role `books`. */
  readonly books?: {
    /** Idempotent: same key and content record once. Queries before it retries, reads back what it wrote. */
    recordPayment(
      api: PortalApi,
      payment: PaymentToRecord,
      context: Recording<S>,
    ): Promise<{ readonly externalId: string }>;
    /**
     * Finds out what became of a payment that is no longer to be recorded, because its money went back or pays
     * something else now, though an earlier attempt may have arrived. Undefined when the books do not hold it.
     */
    abandonRecording?(
      api: PortalApi,
      payment: Pick<PaymentToRecord, 'paymentId' | 'mark'>,
      context: Recording<S>,
    ): Promise<{ readonly externalId: string } | undefined>;
    /**
     * Takes back, in whole, a payment we recorded: voided where the books can, else deleted or reversed. One that is
     * gone already is taken back. Absent where the books let nobody do that.
     */
    reversePayment?(
      api: PortalApi,
      recorded: { readonly externalId: string; readonly mark: string },
      context: Recording<S>,
    ): Promise<void>;
    /**
     * The file with which a person enters our payments, or takes them back, where no program may. Undefined when
     * these settings let `recordPayment` do it, whatever the entries. A payment that was imported shows itself by its
     * mark; what takes it back by a document that `normalize` ignores with a reason that names its `reversalMark`.
     * Pure. @throws Rejected for what such a file cannot say
     */
    importFile?(entries: readonly FileEntry[], settings: S): ImportFile | undefined;
  };
};

/** One payment to be entered, or one entered before to be taken back. */
export type FileEntry =
  | { readonly entry: 'payment'; readonly payment: PaymentToRecord }
  /** `payment` as it was entered, `on`: the firm's day (`YYYY-MM-DD`) on which its money went. */
  | { readonly entry: 'reversal'; readonly payment: PaymentToRecord; readonly on: string };
/** `extension` without its dot. */
export type ImportFile = { readonly extension: string; readonly body: Buffer };

/** Keeps the settings type inside the definition and erases it for the list. */
export function definePortal<S, C>(portal: Portal<S, C>): Portal {
  return portal as unknown as Portal;
}
