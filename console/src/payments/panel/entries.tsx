/** The journal entries a payment caused, with their postings and their place in the hash chain. */
import type { Entry } from '../../api/trail.ts';
import { InstantCell } from '../../cells/instant-cell.tsx';
import { MoneyCell } from '../../cells/money-cell.tsx';
import { Section } from './section.tsx';
import { TrailLink } from './trail-link.tsx';

const HASH_DIGITS_SHOWN = 16;

export function Entries({ entries }: { entries: readonly Entry[] }) {
  return (
    <Section count={entries.length} nothing="Nothing is posted." title="Ledger entries">
      {entries.map((entry) => (
        <EntryItem entry={entry} key={entry.sequence} />
      ))}
    </Section>
  );
}

function EntryItem({ entry }: { entry: Entry }) {
  const { sequence, kind, postedAt, memo, hash, documentId, postings } = entry;
  return (
    <li id={`entry-${sequence}`} tabIndex={-1}>
      <div className="cv-line">
        <span title={kind}>
          <span className="cv-dim">Entry {sequence}</span> {memo}
        </span>
        <InstantCell at={postedAt} />
      </div>
      <table className="cv-postings">
        <caption className="cv-unseen">Postings of entry {sequence}</caption>
        <thead>
          <tr>
            <th scope="col">Debit</th>
            <th scope="col">Credit</th>
            <th className="cv-figures" scope="col">
              Amount
            </th>
          </tr>
        </thead>
        <tbody>
          {postings.map((posting) => (
            <tr key={`${posting.debitAccount} ${posting.creditAccount} ${posting.amount.amount}`}>
              <td>{posting.debitAccount}</td>
              <td>{posting.creditAccount}</td>
              <td className="cv-figures">
                <MoneyCell money={posting.amount} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="cv-hash">
        <span title={`SHA-256 ${hash}`}>{hash.slice(0, HASH_DIGITS_SHOWN)}…</span>{' '}
        <TrailLink to={documentId}>from {documentId}</TrailLink>
      </p>
    </li>
  );
}
