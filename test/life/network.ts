/** Breaks the network between the server and a simulated portal at one chosen request. */
import type { Between, SimulatedRequest } from '../../simulators/faulty-server.ts';

/** `request`: the portal never hears of it. `answer`: the portal has done what was asked, and nobody hears of that. */
export type Lost = 'request' | 'answer';

export type Network = {
  readonly between: Between;
  /** Breaks at the next request that `is` one of these; resolves once that has happened. */
  breakAt(is: RegExp, lost: Lost): Promise<void>;
  /** Lets requests through again; those that hang since it broke hang for ever. */
  mend(): void;
};

export function openNetwork(): Network {
  let place: { readonly is: RegExp; readonly lost: Lost; readonly reached: () => void } | undefined;
  let broken = false;
  return {
    between: async (request, answer) => {
      if (!broken && !place?.is.test(textOf(request))) return answer();
      if (place?.lost === 'answer') {
        const answered = await answer();
        // Refused, for a token that has expired: nothing has been done yet.
        if (answered.status >= 400) return answered;
      }
      // Until it is mended nothing gets through, so that no second attempt comes before the end.
      broken = true;
      place?.reached();
      place = undefined;
      return new Promise(() => {});
    },
    breakAt: (is, lost) =>
      new Promise((resolve) => {
        place = { is, lost, reached: resolve };
      }),
    mend: () => {
      broken = false;
    },
  };
}

/** `POST /path?query`, and the body below it. */
function textOf({ method, url, body }: SimulatedRequest): string {
  return `${method} ${url.pathname}${url.search}\n${body.toString()}`;
}
