import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../contract.ts';
import { judgeBasic } from './basic.ts';
import { Secret } from './secret.ts';

const expected = { user: 'airworks', passwords: [new Secret('straße'), new Secret('old:one')] };

function verdict(
  authorization: string | undefined,
  of: Parameters<typeof judgeBasic>[1] = expected,
) {
  const notice: Notice = {
    headers: authorization === undefined ? {} : { authorization },
    body: Buffer.alloc(0),
    url: '/',
    receivedAt: new Date(0),
  };
  const result = judgeBasic(notice, of);
  return result.verdict === 'refused' ? `${result.code}: ${result.because}` : result.verdict;
}
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('user and any valid password are authentic, in UTF-8 and with a colon inside', () => {
  assert.equal(verdict(basic('airworks:straße')), 'authentic');
  assert.equal(verdict(basic('airworks:old:one')), 'authentic');
  assert.equal(verdict(basic('airworks:straße').replace('Basic', 'basic')), 'authentic');
});

test('everything else is refused, with what to look at', () => {
  assert.match(verdict(undefined), /signature-missing/);
  assert.match(verdict('Bearer x'), /signature-malformed/);
  assert.match(verdict(basic('airworks:wrong')), /the password/);
  assert.match(verdict(basic('someone:straße')), /the user/);
  assert.match(verdict(basic('airworks:straße'), { ...expected, user: undefined }), /has no/);
  assert.match(verdict(basic('airworks:straße'), { ...expected, passwords: [] }), /has no/);
});
