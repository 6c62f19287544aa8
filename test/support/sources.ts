/** For tests of the house's own rules: the source files as text, and what they import. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

export type Import = {
  /** A path from the root of the repository, or the name of a package. */
  readonly target: string;
  /** Erased before the code runs. */
  readonly typeOnly: boolean;
};

/** Every file of the repository that git knows or would add, by its path from the root. */
export function repositoryFiles(): readonly string[] {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', options, { cwd: fileURLToPath(ROOT), encoding: 'utf8' });
  // A file may have been deleted and not yet committed.
  return output.split('\0').filter((path) => path !== '' && existsSync(new URL(path, ROOT)));
}

export function readSource(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}

const STATEMENT =
  /^(?:import|export)\s+(type\s)?(?:([^'";]*?)\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;

/** What a file imports or exports again, dynamic imports included. */
export function importsOf(path: string): readonly Import[] {
  return [...readSource(path).matchAll(STATEMENT)].map(
    ([, type, names, target, dynamicTarget]): Import => ({
      target: resolve(path, target ?? dynamicTarget ?? ''),
      typeOnly: type !== undefined || (names !== undefined && namesOnlyTypes(names)),
    }),
  );
}

function namesOnlyTypes(names: string): boolean {
  const [, list] = /^\{([^}]*)\}$/s.exec(names.trim()) ?? [];
  const each = list?.split(',').map((name) => name.trim()) ?? [names];
  return each.every((name) => name === '' || name.startsWith('type '));
}

function resolve(path: string, target: string): string {
  return target.startsWith('.') ? posix.join(posix.dirname(path), target) : target;
}

/** The files that `entries` need to run, themselves included, with the way to each. */
export function reachableFrom(
  entries: readonly string[],
  options: { readonly typesToo?: boolean } = {},
): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>(entries.map((entry) => [entry, [entry]]));
  for (const [path, way] of ways) {
    if (!path.endsWith('.ts') && !path.endsWith('.tsx')) continue;
    if (!existsSync(new URL(path, ROOT))) continue;
    for (const { target, typeOnly } of importsOf(path)) {
      if (typeOnly && !options.typesToo) continue;
      if (!ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return ways;
}
