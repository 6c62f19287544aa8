/** House-keeping that nobody should have to ask for in a review. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { isTest, readSource, repositoryFiles } from './support/sources.ts';

const FILES = repositoryFiles();
const CODE = FILES.filter((path) => /\.tsx?$/.test(path));
const DOCUMENTS = FILES.filter((path) => path.endsWith('.md') && !path.includes('/fixtures/'));

const MOST_COLUMNS = 120;
const MOST_LINES_A_FILE = 500;
const MOST_LINES_A_FUNCTION = 80;

/** A text for people is not torn apart for the sake of columns. */
const SENTENCE = /`[^`]{60,}`|'[^']{60,}'/;

test('no line is longer than the eye likes', () => {
  const long = CODE.flatMap((path) =>
    readSource(path)
      .split('\n')
      .flatMap((line, index) =>
        line.length > MOST_COLUMNS && !SENTENCE.test(line) ? [`${path}:${index + 1}`] : [],
      ),
  );
  assert.deepEqual(long, []);
});

test('no file is longer than can be held in mind', () => {
  // A story per test reads better in one place than torn apart.
  const long = CODE.filter((path) => !path.endsWith('.test.ts'))
    .map((path) => ({ path, lines: readSource(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > MOST_LINES_A_FILE);
  assert.deepEqual(long, []);
});

test('no function is longer than a screen', () => {
  const long = CODE.filter((path) => !path.endsWith('.test.ts')).flatMap((path) =>
    functionsOf(readSource(path))
      .filter(({ lines }) => lines > MOST_LINES_A_FUNCTION)
      .map(({ name, lines }) => `${path}: ${name} has ${lines} lines`),
  );
  assert.deepEqual(long, []);
});

type Measured = { readonly name: string; readonly lines: number };

/**
 * Functions at the top of a file, and the named ones inside them, which count for themselves: a closure is read
 * part by part. The formatter closes each by a brace in its own column.
 */
function functionsOf(source: string, indent = ''): readonly Measured[] {
  const start = new RegExp(
    `^${indent}(?:export )?(?:(?:async )?function\\*? (\\w+)|const (\\w+) = (?:async )?\\(.*)`,
  );
  const found: Measured[] = [];
  let open: { name: string; from: number } | undefined;
  const lines = source.split('\n');
  for (const [index, line] of lines.entries()) {
    const [, declared, arrow] = start.exec(line) ?? [];
    const name = declared ?? arrow;
    if (name !== undefined && !/[;}]$/.test(line)) open = { name, from: index };
    // `}): Result {` ends the parameters, not the function.
    if (!open || !line.startsWith(`${indent}}`) || line.endsWith('{')) continue;
    const body = lines.slice(open.from, index + 1);
    const inner = indent === '' ? functionsOf(body.join('\n'), '  ') : [];
    const own = body.length - inner.reduce((sum, one) => sum + one.lines, 0);
    found.push({ name: open.name, lines: own }, ...inner);
    open = undefined;
  }
  return found;
}

test('nothing is left for later, switched off or argued away', () => {
  // Written in pieces, so that this file does not find itself.
  const words = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X:', 'HA' + 'CK'].map((word) => `\\b${word}`);
  const escapes = [
    '@ts-' + 'ignore',
    '@ts-' + 'nocheck',
    '\\bas a' + 'ny\\b',
    ': a' + 'ny\\b(?! )',
  ];
  const switches = ['(test|it|describe)\\.on' + 'ly\\(', '(test|it|describe)\\.sk' + 'ip\\('];
  const banned = new RegExp([...words, ...escapes, ...switches].join('|'));
  const found = CODE.flatMap((path) => {
    const lines = readSource(path).split('\n');
    return lines.flatMap((line, index) => {
      const explained = lines[index - 1]?.includes('biome-ignore') ?? false;
      return banned.test(line) && !explained ? [`${path}:${index + 1} ${line.trim()}`] : [];
    });
  });
  assert.deepEqual(found, []);
});

test('no file or folder is named for what it is not', () => {
  const banned = 'util utils helper helpers common lib manager service base misc data stuff'.split(
    ' ',
  );
  const named = FILES.filter((path) => !path.includes('/fixtures/')).filter((path) =>
    path.split('/').some((part) => banned.includes(part.replace(/(\.test)?\.\w+$/, ''))),
  );
  assert.deepEqual(named, []);
});

test('file names are words in lower case, joined by dashes', () => {
  const odd = CODE.filter((path) => !/^[a-z0-9-]+(\.[a-z]+)?\.tsx?$/.test(basename(path)));
  assert.deepEqual(odd, []);
});

describe('documents', () => {
  for (const path of DOCUMENTS) {
    test(`${path} has one title and names only what exists`, () => {
      const text = readSource(path);
      const prose = text.replace(/^```.*?^```$/gms, '');
      assert.equal(prose.match(/^# /gm)?.length, 1);
      assert.deepEqual(missingPaths(text), []);
    });
  }
});

/** Paths from the root, in backticks or links, which are neither a file nor a folder. */
function missingPaths(text: string): readonly string[] {
  const roots = 'src|test|docs|console|simulators|bench|tools|bin|migrations';
  const named = new RegExp(`(?<=[\`(])(?:${roots})/[\\w./*-]*`, 'g');
  return [...text.matchAll(named)]
    .map(([path]) => path.replace(/\/$/, ''))
    .filter((path) => !path.includes('*'))
    .filter((path) => !FILES.some((file) => file === path || file.startsWith(`${path}/`)));
}

/** Types are told apart: exported functions take and give them, whether or not anybody names them. */
test('every exported function and value is used by another file', () => {
  const texts = new Map(CODE.map((path) => [path, new Set(readSource(path).match(/\w+/g))]));
  const unused = CODE.filter((path) => path.startsWith('src/') && !isTest(path)).flatMap((path) =>
    exportsOf(readSource(path))
      .filter((name) => ![...texts].some(([other, words]) => other !== path && words.has(name)))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(unused, []);
});

function exportsOf(source: string): readonly string[] {
  const declared = /^export (?:default )?(?:async )?(?:function\*?|const|let|class) (\w+)/gm;
  return [...source.matchAll(declared)].map(([, name]) => String(name));
}
