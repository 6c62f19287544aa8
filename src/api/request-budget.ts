/** Token buckets by key, in memory: the limit on how fast one sender may come. */

export type RequestBudget = {
  /** Takes one request from the key's budget; false when it is spent. */
  take(key: string): boolean;
  isSpent(key: string): boolean;
};

const MAX_KEYS = 10_000;

/** A bucket holds two seconds' worth, so that honest bursts pass. */
export function requestBudget(options: {
  readonly perSecond: number;
  readonly now: () => Date;
}): RequestBudget {
  const capacity = options.perSecond * 2;
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const bucketOf = (key: string) => {
    const nowMs = options.now().getTime();
    let bucket = buckets.get(key);
    if (!bucket) {
      if (buckets.size >= MAX_KEYS) buckets.clear();
      bucket = { tokens: capacity, atMs: nowMs };
      buckets.set(key, bucket);
    }
    const grown = bucket.tokens + ((nowMs - bucket.atMs) / 1000) * options.perSecond;
    bucket.tokens = Math.min(capacity, Math.max(0, grown));
    bucket.atMs = nowMs;
    return bucket;
  };
  return {
    take: (key) => {
      const bucket = bucketOf(key);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    isSpent: (key) => bucketOf(key).tokens < 1,
  };
}
