/** The frame around every page: who we are, how the stream stands, light or dark, sign out. */
import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { importFilesQuery } from './api/queries.ts';
import { LeaveSign, MarkSign, MoonSign, SunSign } from './icons.tsx';
import type { StreamState } from './live/follow-stream.ts';
import { useLiveStream } from './live/use-live-stream.ts';
import { CONSOLE_PATHS } from './paths.ts';
import { signOut } from './session/session.ts';
import { SignIn } from './session/sign-in.tsx';
import { useSession } from './session/use-session.ts';

export function Shell() {
  const { key, refused } = useSession();
  if (key === null) return <SignIn refused={refused} />;
  // A new key is a new console: the stream is opened with it.
  return <SignedIn key={key} />;
}

function SignedIn() {
  const stream = useLiveStream();
  return (
    <>
      <header className="cv-header">
        <Link aria-label="Checkvalve, payments" className="cv-brand" to={CONSOLE_PATHS.payments}>
          <MarkSign />
          Checkvalve
        </Link>
        <div className="cv-header-end">
          <ImportFilesLink />
          <StreamStatus state={stream} />
          <SchemeSwitch />
          <Tooltip label="Sign out">
            <ActionIcon aria-label="Sign out" onClick={signOut} size="lg" variant="subtle">
              <LeaveSign />
            </ActionIcon>
          </Tooltip>
        </div>
      </header>
      <Outlet />
    </>
  );
}

/** Only where there are any: most books are written to by a program. */
function ImportFilesLink() {
  const { data } = useQuery(importFilesQuery());
  if (data === undefined || data.files.length === 0) return null;
  return (
    <Link className="cv-header-link" to={CONSOLE_PATHS.importFiles}>
      Import files
    </Link>
  );
}

const STREAM_WORDS: Record<StreamState, { readonly short: string; readonly long: string }> = {
  connecting: { short: 'Connecting', long: 'Opening the stream of payments.' },
  live: { short: 'Live', long: 'Payments appear here as they come.' },
  waiting: {
    short: 'Reconnecting',
    long: 'The stream broke off. What you see may be old; it is read again once connected.',
  },
};

function StreamStatus({ state }: { state: StreamState }) {
  const { short, long } = STREAM_WORDS[state];
  return (
    <Tooltip label={long} maw={260} multiline>
      <span className="cv-stream" data-state={state} role="status">
        {short}
      </span>
    </Tooltip>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme('light') === 'light' ? 'dark' : 'light';
  return (
    <Tooltip label={`Use ${other} colours`}>
      <ActionIcon
        aria-label={`Use ${other} colours`}
        onClick={() => setColorScheme(other)}
        size="lg"
        variant="subtle"
      >
        {other === 'dark' ? <MoonSign /> : <SunSign />}
      </ActionIcon>
    </Tooltip>
  );
}
