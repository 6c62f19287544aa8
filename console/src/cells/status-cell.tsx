/** A state, everywhere the same: a word, and a colour that says how good or bad the news is. */
import { sentence } from '../format/words.ts';

type Tone = 'good' | 'moving' | 'waiting' | 'back' | 'bad' | 'over';

const TONES: Readonly<Record<string, Tone>> = {
  succeeded: 'good',
  authorized: 'moving',
  pending: 'waiting',
  partially_refunded: 'back',
  refunded: 'back',
  disputed: 'bad',
  failed: 'bad',
  voided: 'over',
  applied: 'good',
  received: 'moving',
  ignored: 'over',
  quarantined: 'bad',
  done: 'good',
  waiting: 'waiting',
  skipped: 'over',
  parked: 'bad',
  taken_back: 'back',
};

const WORDS: Readonly<Record<string, string>> = { partially_refunded: 'Partly refunded' };

export function statusWords(status: string): string {
  return WORDS[status] ?? sentence(status);
}

export function StatusCell({ status }: { status: string }) {
  return (
    <span className="cv-status" data-tone={TONES[status] ?? 'over'}>
      {statusWords(status)}
    </span>
  );
}
