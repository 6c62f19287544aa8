/** A browser for tests of the console: headless Chromium from npm, for pages on this machine. */
import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const execute = promisify(execFile);

const FLAGS = [
  // Tests also run as root and in containers, where Chromium's own sandbox cannot be set up.
  '--no-sandbox',
  '--disable-setuid-sandbox',
  '--no-zygote',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  // The pages under test are on this machine; nothing else is to be asked.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-pings',
  '--proxy-server=direct://',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  '--font-render-hinting=none',
];

/** Opens the browser; it reaches only this machine. `await using browser = await openBrowser();` */
export async function openBrowser(): Promise<Browser> {
  const directory = await unpackedChromium();
  return chromium.launch({
    executablePath: join(directory, 'chromium'),
    args: FLAGS,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: directory,
      FONTCONFIG_PATH: join(directory, 'fonts'),
      LD_LIBRARY_PATH: join(directory, 'al2023', 'lib'),
    },
  });
}

/** The package holds Chromium compressed; it is unpacked once per version and user. */
async function unpackedChromium(): Promise<string> {
  const entry = import.meta.resolve('@sparticuz/chromium');
  const manifest = await readFile(new URL('../../package.json', entry), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const owner = process.getuid?.() ?? 'user';
  const directory = join(tmpdir(), `checkvalve-chromium-${version}-${owner}`);
  if (await exists(join(directory, 'chromium'))) return directory;
  const draft = await mkdtemp(`${directory}-`);
  try {
    // The package unpacks into TMPDIR, without regard for others who do so, and adds the libraries that
    // Chromium needs only where it believes to run in this environment.
    const script = `(await import(${JSON.stringify(entry)})).default.executablePath()`;
    await execute(process.execPath, ['--input-type=module', '-e', `await ${script}`], {
      env: { ...process.env, TMPDIR: draft, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    });
    await writeFile(join(draft, 'fonts', 'fonts.conf'), fontsIn(directory));
    await rename(draft, directory).catch(async (error: unknown) => {
      // Another process was quicker.
      if (!(await exists(join(directory, 'chromium')))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return directory;
}

/** The package's own configuration names folders of another environment; without any font Chromium ends itself. */
function fontsIn(directory: string): string {
  const fonts = join(directory, 'fonts');
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    `<fontconfig><dir>${fonts}</dir><cachedir>${join(fonts, 'cache')}</cachedir></fontconfig>`,
    '',
  ].join('\n');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
