/**
 * Tells Checkvalve that a payment, deposit, refund, invoice or customer was saved or deleted, so that it looks at once
 * instead of at its next pull. It never keeps anybody from saving: whatever fails here is logged, and the pull finds it.
 *
 * @NApiVersion 2.1
 * @NScriptType UserEventScript
 * @NModuleScope SameAccount
 */
define(['N/cache', 'N/crypto', 'N/encode', 'N/https', 'N/log', 'N/runtime'], (
  cache,
  crypto,
  encode,
  https,
  log,
  runtime,
) => {
  /** Script parameters, set at each deployment. */
  const ADDRESS = 'custscript_checkvalve_address';
  const SECRET = 'custscript_checkvalve_secret';
  /** After a call that failed nobody waits for another one this long; NetSuite keeps nothing for less. */
  const REST_SECONDS = 300;

  const isDelete = (context) => context.type === context.UserEventType.DELETE;

  /** A deleted record is only there as it was. */
  const recordOf = (context) => (isDelete(context) ? context.oldRecord : context.newRecord);

  /** Inline edits bring the fields that were edited, and no others. */
  const externalIdOf = (record) => {
    try {
      return record.getValue({ fieldId: 'externalid' }) || null;
    } catch (_error) {
      return null;
    }
  };

  /** ASCII alone, so that whatever sends the body cannot write a letter in other bytes than those signed. */
  const asciiJson = (value) =>
    JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

  const bodyOf = (context, now) => {
    const record = recordOf(context);
    const { type: recordType, id } = record;
    const chance = Math.random().toString(36).slice(2, 10);
    return asciiJson({
      eventId: [runtime.accountId, recordType, id, context.type, now.getTime(), chance].join('-'),
      accountId: String(runtime.accountId),
      action: String(context.type).toLowerCase(),
      recordType: String(recordType),
      recordId: String(id),
      externalId: externalIdOf(record),
      occurredAt: now.toISOString(),
    });
  };

  /** Hexadecimal HMAC-SHA256 of the time and the body; the secret itself is never seen by the script. */
  const signatureOf = (secret, timestamp, body) => {
    const { UTF_8, HEX } = encode.Encoding;
    const key = crypto.createSecretKey({ secret, encoding: UTF_8 });
    const hmac = crypto.createHmac({ algorithm: crypto.HashAlg.SHA256, key });
    hmac.update({ input: `${timestamp}.${body}`, inputEncoding: UTF_8 });
    return hmac.digest({ outputEncoding: HEX });
  };

  const restOf = () => cache.getCache({ name: 'checkvalve_nudge', scope: cache.Scope.PRIVATE });

  const isResting = () => restOf().get({ key: 'resting' }) !== null;

  const rest = () => restOf().put({ key: 'resting', value: 'T', ttl: REST_SECONDS });

  const send = (context) => {
    const script = runtime.getCurrentScript();
    const url = script.getParameter({ name: ADDRESS });
    const secret = script.getParameter({ name: SECRET });
    if (!url || !secret) {
      log.error({ title: 'Checkvalve', details: `Enter ${ADDRESS} and ${SECRET}.` });
      return;
    }
    if (isResting()) return;
    const now = new Date();
    const timestamp = String(Math.floor(now.getTime() / 1000));
    const body = bodyOf(context, now);
    const headers = {
      'Content-Type': 'application/json',
      'X-Sync-Timestamp': timestamp,
      'X-Sync-Signature': `v1=${signatureOf(secret, timestamp, body)}`,
    };
    let code = 0;
    try {
      code = https.post({ url, headers, body }).code;
    } finally {
      if (code < 200 || code >= 300) rest();
    }
    if (code >= 300) log.error({ title: 'Checkvalve', details: `It answered ${code}.` });
  };

  const afterSubmit = (context) => {
    try {
      send(context);
    } catch (error) {
      try {
        log.error({ title: 'Checkvalve', details: error });
      } catch (_error) {
        // Not even a full log may keep a record from being saved.
      }
    }
  };

  return { afterSubmit };
});
