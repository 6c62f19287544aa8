/** Writes schema.sql from a freshly migrated database, for the difference to be read in review. */
import { writeFile } from 'node:fs/promises';
import { connectDatabase } from '../src/db/database.ts';
import { dumpSchema } from '../src/db/schema-dump.ts';
import { testDatabase } from '../test/support/database.ts';

await using database = await testDatabase();
const db = connectDatabase(database.url, { poolSize: 1 });
try {
  await writeFile(new URL('../schema.sql', import.meta.url), await dumpSchema(db));
} finally {
  await db.close();
}
