/** Writes the table of portals into README.md, between its two markers, from the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { capabilityTable } from '../src/portals/capabilities.ts';
import { portals } from '../src/portals/index.ts';

const README = new URL('../README.md', import.meta.url);
const BETWEEN = /(<!-- portals -->\n)[\s\S]*?(\n<!-- \/portals -->)/;

const text = readFileSync(README, 'utf8');
if (!BETWEEN.test(text))
  throw new Error('README.md has no markers <!-- portals --> … <!-- /portals -->');
writeFileSync(
  README,
  text.replace(BETWEEN, (_whole, before, after) => `${before}${capabilityTable(portals)}${after}`),
);
