import { type ReactNode, useId } from 'react';

type SectionProps = {
  readonly title: string;
  readonly count: number;
  /** Said in place of the list when there is nothing in it. */
  readonly nothing: string;
  readonly children: ReactNode;
};

/** One part of the trail: a heading, how many, and the list. */
export function Section({ title, count, nothing, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="cv-section">
      <h3 id={id}>
        {title}
        {count > 1 && <span className="cv-dim"> {count}</span>}
      </h3>
      {count === 0 ? <p className="cv-nothing">{nothing}</p> : <ul>{children}</ul>}
    </section>
  );
}
