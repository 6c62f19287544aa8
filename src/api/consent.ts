/** The browser's way back from a portal's consent page, and the page on which an account is chosen. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { App } from '../app.ts';
import { type Consented, ConsentRefused, chooseAccount, finishConsent } from '../intake/consent.ts';

/** Portals are told this path as the redirect address, below the public URL. */
export const CONSENT_PATH = '/oauth/callback';
const CHOOSE_PATH = '/oauth/choose';

export async function consentPages(
  server: FastifyInstance,
  { app }: { readonly app: App },
): Promise<void> {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4096 },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  );
  server.get(CONSENT_PATH, (request, reply) => {
    const query = new URL(request.url, 'http://localhost').searchParams;
    return answer(reply, finishConsent(app, query));
  });
  server.post(CHOOSE_PATH, (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const choice = form.get('choice') ?? '';
    return answer(reply, chooseAccount(app, { choice, index: Number(form.get('index')) }));
  });
}

async function answer(reply: FastifyReply, work: Promise<Consented>): Promise<FastifyReply> {
  // The address holds a code that is worth nothing by now; it need not be told on all the same.
  reply.header('referrer-policy', 'no-referrer').header('cache-control', 'no-store');
  try {
    return send(reply, 200, pageOf(await work));
  } catch (error) {
    if (!(error instanceof ConsentRefused)) throw error;
    return send(reply, 400, { title: 'Not connected', body: paragraph(error.message) });
  }
}

type Page = { readonly title: string; readonly body: string };

function pageOf(consented: Consented): Page {
  const { name, portal } = consented.connection;
  if (consented.result === 'connected') {
    const account = consented.account ? ` with the account ${consented.account}` : '';
    return {
      title: 'Connected',
      body: paragraph(`${name} is connected to ${portal.name}${account}. You can close this page.`),
    };
  }
  const choices = consented.labels.map(
    (label, index) => `<p><button name="index" value="${index}">${html(label)}</button></p>`,
  );
  return {
    title: 'Choose the account',
    body:
      paragraph(`This consent opens several accounts of ${portal.name}. Which one is ${name}?`) +
      `<form method="post" action="${CHOOSE_PATH}">` +
      `<input type="hidden" name="choice" value="${html(consented.choice)}">${choices.join('')}</form>`,
  };
}

function send(reply: FastifyReply, status: number, { title, body }: Page): FastifyReply {
  const page =
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${html(title)} - Checkvalve</title>` +
    '<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}' +
    'button{font:inherit;padding:.5rem 1rem}</style></head>' +
    `<body><main><h1>${html(title)}</h1>${body}<p><a href="/">Checkvalve</a></p></main></body></html>`;
  return reply.code(status).type('text/html; charset=utf-8').send(page);
}

function paragraph(text: string): string {
  return `<p>${html(text)}</p>`;
}

function html(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
