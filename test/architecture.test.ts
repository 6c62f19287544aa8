/** The order of the house, read from ARCHITECTURE.md, and what follows from it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  importsOf,
  isTest,
  reachableFrom,
  readSource,
  repositoryFiles,
} from './support/sources.ts';

const FILES = repositoryFiles();
const PRODUCT = reachableFrom(['src/main.ts'], { typesToo: true });
const SOURCE = FILES.filter((path) => path.startsWith('src/') && PRODUCT.has(path));

/** The house's list, top to bottom; each line is a folder, or files that stand beside each other in `src`. */
const HOUSE = readHouse();

function readHouse(): readonly (readonly string[])[] {
  const [, list = ''] =
    /^## The house$.*?^```$(.*?)^```$/ms.exec(readSource('ARCHITECTURE.md')) ?? [];
  return list
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('src/'))
    .map((line) => {
      const [, folder] = /^(src\/[a-z-]+\/)/.exec(line) ?? [];
      if (folder) return [folder];
      return [...line.matchAll(/(?:src\/)?\b([a-z-]+\.ts)\b/g)].map(([, file]) => `src/${file}`);
    });
}

function floorOf(path: string): number {
  return HOUSE.findIndex((places) =>
    places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place)),
  );
}

test('the list names every folder and file of src, each once', () => {
  const named = HOUSE.flat();
  const present = FILES.filter((path) => path.startsWith('src/') && !isTest(path)).map(
    (path) => /^src\/[^/]+\//.exec(path)?.[0] ?? path,
  );
  assert.deepEqual([...named].sort(), [...new Set(present)].sort());
});

test('imports only point downwards', () => {
  const upwards = SOURCE.flatMap((path) =>
    importsOf(path)
      .filter(({ target }) => target.startsWith('src/') && floorOf(target) < floorOf(path))
      .map(({ target }) => `${path} imports ${target}`),
  );
  assert.deepEqual(upwards, []);
});

test('a portal does not import another portal', () => {
  const portalOf = (path: string) => /^src\/portals\/([^/]+)\//.exec(path)?.[1];
  const crossing = FILES.filter((path) => path.startsWith('src/portals/') && path.endsWith('.ts'))
    .filter((path) => portalOf(path) !== undefined)
    .flatMap((path) =>
      importsOf(path)
        .map(({ target }) => target)
        .filter((target) => ![undefined, 'kit', portalOf(path)].includes(portalOf(target)))
        .map((target) => `${path} imports ${target}`),
    );
  assert.deepEqual(crossing, []);
});

/** What src may import from outside of it, and why. */
const OUTSIDE: readonly { readonly from: RegExp; readonly to: RegExp; readonly because: string }[] =
  [
    {
      from: /^src\/cli\/demo[a-z-]*\.ts$/,
      to: /^simulators\//,
      because: 'the demo shows the house at work with simulated portals',
    },
    {
      from: /^src\/api\/console\.ts$/,
      to: /^console\/src\/paths\.ts$/,
      because: 'server and console agree on the addresses of the pages',
    },
  ];

test('src imports nothing from outside, but for what is listed', () => {
  const leaving = SOURCE.flatMap((path) =>
    importsOf(path)
      .map(({ target }) => target)
      .filter((target) => target.includes('/') && target.endsWith('.ts'))
      .filter((target) => !target.startsWith('src/'))
      .filter((target) => !OUTSIDE.some(({ from, to }) => from.test(path) && to.test(target)))
      .map((target) => `${path} imports ${target}`),
  );
  assert.deepEqual(leaving, []);
});

test('simulators know portals by their wire alone, so that both cannot share a mistake', () => {
  const simulators = FILES.filter((path) => path.startsWith('simulators/') && !isTest(path));
  const borrowed = simulators.flatMap((path) =>
    importsOf(path)
      .filter(({ target, typeOnly }) => !typeOnly && /^src\/portals\/(?!kit\/)[^/]+\//.test(target))
      .map(({ target }) => `${path} imports ${target}`),
  );
  assert.deepEqual(borrowed, []);
});

const PURE = [
  /^src\/portals\/[^/]+\/normalize\.ts$/,
  /^src\/apply\/decide[a-z-]*\.ts$/,
  /^src\/(cash-application|ledger|payments|receivables|automation)\//,
];

describe('pure code', () => {
  const entries = FILES.filter((path) => !isTest(path) && PURE.some((rule) => rule.test(path)));

  test('is found by its names', () => {
    for (const rule of PURE)
      assert.ok(
        entries.some((path) => rule.test(path)),
        String(rule),
      );
  });

  const IMPURE = [
    /^node:(fs|net|http2?|https|dns|tls|dgram|child_process|worker_threads|timers|os|process)(\/|$)/,
    /^(pg|fastify|graphile-worker|openid-client|pino|prom-client|sql-template-tag)$/,
    /^src\/db\/database\.ts$/,
    /^src\/portals\/kit\/(http|oauth)\.ts$/,
  ];
  for (const entry of entries) {
    test(`${entry} reaches nothing that does I/O`, () => {
      const ways = [...reachableFrom([entry])].filter(([target]) =>
        IMPURE.some((rule) => rule.test(target)),
      );
      assert.deepEqual(
        ways.map(([, way]) => way.join(' > ')),
        [],
      );
    });
  }

  test('asks neither clock nor chance nor environment', () => {
    const clock = [
      'Date\\.now\\(',
      'new Date\\(\\)',
      'performance\\.',
      'setTimeout',
      'setInterval',
    ];
    const chance = ['Math\\.random', 'randomUUID', 'randomBytes'];
    const outside = ['process\\.', 'fetch\\(', 'console\\.'];
    const asking = new RegExp(`\\b(${[...clock, ...chance, ...outside].join('|')})`, 'g');
    const found = [...reachableFrom(entries).keys()]
      .filter((path) => path.startsWith('src/'))
      .flatMap((path) =>
        [...readSource(path).matchAll(asking)].map(([word]) => `${path} has ${word}`),
      );
    assert.deepEqual(found, []);
  });
});
