/** Starts the console in the browser. */
import '@mantine/core/styles.css';
import './console.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiProblem } from './api/client.ts';
import { router } from './router.tsx';
import { currentSession, takeKeyFromAddress, watchSession } from './session/session.ts';
import { theme } from './theme.ts';

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // The server may be on this very machine, where "offline" means nothing.
      networkMode: 'always',
      retry: (failures, error) => failures < 2 && isWorthRepeating(error),
      retryDelay: (failures) => 400 * 2 ** failures,
    },
  },
});

/** A refusal stays a refusal; a broken connection or an overwhelmed server may recover. */
function isWorthRepeating(error: Error): boolean {
  return !(error instanceof ApiProblem) || error.status === 0 || error.status >= 500;
}

// Before the router reads the address, and again when a key is pasted into the address of an open
// page.
takeKeyFromAddress();
addEventListener('hashchange', takeKeyFromAddress);

// What one key was allowed to see is not shown to the next.
let { key } = currentSession();
watchSession(() => {
  if (currentSession().key !== key) queryClient.clear();
  key = currentSession().key;
});

const place = document.getElementById('console');
if (!place) throw new Error('index.html has no element with the id "console"');
createRoot(place).render(
  <StrictMode>
    <MantineProvider defaultColorScheme="auto" theme={theme}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
