/** A GraphQL executor as small as the simulated Braintree needs: what is not asked for is not answered. */

type Selection =
  | {
      readonly field: string;
      readonly args: Readonly<Record<string, unknown>>;
      readonly of: readonly Selection[];
    }
  | { readonly on: string; readonly of: readonly Selection[] };

/** Fields by name; a field with arguments is a function of them. */
export type Resolvers = { readonly [field: string]: unknown };

/** An error in the class that Braintree's clients tell errors by. */
export class GraphqlError extends Error {
  override readonly name = 'GraphqlError';
  readonly errorClass: string;
  constructor(errorClass: string, message: string) {
    super(message);
    this.errorClass = errorClass;
  }
}

const INTERFACES: Readonly<Record<string, readonly string[]>> = {
  Payment: ['Transaction', 'Refund'],
};

/** Answers a query document. @throws GraphqlError for a field that there is not. */
export function execute(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  root: Resolvers,
): unknown {
  return project(root, parse(query, variables));
}

function project(value: unknown, selections: readonly Selection[]): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((one) => project(one, selections));
  if (typeof value !== 'object') return value;
  const object = value as Resolvers;
  const answer: Record<string, unknown> = {};
  for (const selection of selections) {
    if ('on' in selection) {
      const types = [selection.on, ...(INTERFACES[selection.on] ?? [])];
      if (types.includes(String(object.__typename))) {
        Object.assign(answer, project(object, selection.of));
      }
      continue;
    }
    const raw = object[selection.field];
    if (raw === undefined) {
      throw new GraphqlError('VALIDATION', `Cannot query field "${selection.field}"`);
    }
    const field = typeof raw === 'function' ? raw(selection.args) : raw;
    if (typeof field === 'object' && field !== null && selection.of.length === 0) {
      throw new GraphqlError('VALIDATION', `"${selection.field}" needs a selection of subfields`);
    }
    answer[selection.field] = project(field, selection.of);
  }
  return answer;
}

function parse(query: string, variables: Readonly<Record<string, unknown>>): readonly Selection[] {
  const tokens: readonly string[] = query.match(/\.\.\.|[{}()$:!]|[\w"]+/g) ?? [];
  let place = tokens.indexOf('{');
  // The variables' definitions stand in parentheses before the first selection.
  const defined = tokens.indexOf('(');
  if (defined >= 0 && defined < place) place = tokens.indexOf('{', tokens.indexOf(')'));
  const next = () => tokens[place++] ?? '';

  function selections(): Selection[] {
    const list: Selection[] = [];
    if (next() !== '{') throw new GraphqlError('VALIDATION', 'Expected "{"');
    while (tokens[place] !== '}') {
      if (place >= tokens.length) throw new GraphqlError('VALIDATION', 'Expected "}"');
      list.push(selection());
    }
    place += 1;
    return list;
  }
  function selection(): Selection {
    const name = next();
    if (name === '...') {
      next();
      return { on: next(), of: selections() };
    }
    const args = tokens[place] === '(' ? parameters() : {};
    return { field: name, args, of: tokens[place] === '{' ? selections() : [] };
  }
  function parameters(): Record<string, unknown> {
    const args: Record<string, unknown> = {};
    next();
    while (tokens[place] !== ')') {
      const name = next();
      next();
      const value = next();
      args[name] = value === '$' ? variables[next()] : Number(value);
    }
    place += 1;
    return args;
  }
  return selections();
}
