/** Rows that give ids to things, found by the id and by the thing. */

export type Names<Row extends object> = {
  /** The rows that give this id. */
  named(id: string): readonly Row[];
  /** The rows that give ids to this thing. */
  of(thing: string): readonly Row[];
  /** Takes a row that the database holds already. */
  load(row: Row): void;
  /** Takes a row to be written. False when it was known. */
  add(row: Row): boolean;
  all(): Iterable<Row>;
  added(): readonly Row[];
};

type Keys<Row extends object> = {
  readonly unique: (row: Row) => string;
  readonly id: (row: Row) => string;
  readonly thing: (row: Row) => string;
};

export function names<Row extends object>(keys: Keys<Row>): Names<Row> {
  const rows = new Map<string, Row>();
  const byId = new Map<string, Row[]>();
  const byThing = new Map<string, Row[]>();
  const added: Row[] = [];

  function take(row: Row): boolean {
    const key = keys.unique(row);
    if (rows.has(key)) return false;
    rows.set(key, row);
    for (const [index, at] of [
      [byId, keys.id(row)],
      [byThing, keys.thing(row)],
    ] as const) {
      const place = index.get(at);
      if (place) place.push(row);
      else index.set(at, [row]);
    }
    return true;
  }

  return {
    named: (id) => byId.get(id) ?? [],
    of: (thing) => byThing.get(thing) ?? [],
    load: (row) => {
      take(row);
    },
    add: (row) => {
      const isNew = take(row);
      if (isNew) added.push(row);
      return isNew;
    },
    all: () => rows.values(),
    added: () => added,
  };
}
