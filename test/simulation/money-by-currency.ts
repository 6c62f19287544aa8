/** Sums of minor units, one for each currency. */
export class MoneyByCurrency {
  readonly #sums = new Map<string, bigint>();

  add(currency: string, minor: bigint): void {
    this.#sums.set(currency, (this.#sums.get(currency) ?? 0n) + minor);
  }

  of(currency: string): bigint {
    return this.#sums.get(currency) ?? 0n;
  }

  [Symbol.iterator](): Iterator<[string, bigint]> {
    return this.#sums[Symbol.iterator]();
  }
}
