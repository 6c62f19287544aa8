/** The life of one payment at a simulated company file, with what goes wrong on the way. */
import { test } from 'node:test';
import { connect, fill, minutes, pullRound } from '../src/portals/myob/simulated-connection.ts';
import { loseFirstAnswer, tellLifeOfRecord } from '../test/support/life-of-record.ts';

test('connected, pulled, recorded once though the answer was lost, read back, token expired', async () => {
  const meddle = loseFirstAnswer(({ method }) => method === 'POST');
  await using connection = await connect({ meddle });
  await tellLifeOfRecord<Awaited<ReturnType<typeof pullRound>>>({
    portal: 'myob',
    connection,
    simulated: connection.file,
    books: fill(connection.file),
    receivedOn: '2026-10-14',
    pull: (minute, before) => pullRound(connection, { ...before, at: minutes(minute) }),
  });
});
