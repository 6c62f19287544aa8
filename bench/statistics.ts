/** Few numbers from many. */

export type Latency = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** The nearest-rank percentiles of the samples. */
export function latencyOf(samplesMs: readonly number[]): Latency {
  const sorted = Float64Array.from(samplesMs).sort();
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** The median run by the given measure. */
export function medianBy<Run>(runs: readonly Run[], measure: (run: Run) => number): Run {
  const sorted = [...runs].sort((a, b) => measure(a) - measure(b));
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined) throw new Error('there is no median of no runs');
  return median;
}

/**
 * Milliseconds of the machine's own monotonic clock, the same for all its processes. The time of day is not: a step
 * of it during a run would count as latency.
 */
export function instantMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
