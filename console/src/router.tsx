/** The console's pages and their addresses. */
import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { ImportFilesPage } from './import-files/import-files-page.tsx';
import { NoSuchPage } from './no-such-page.tsx';
import { CONSOLE_PATHS } from './paths.ts';
import { LivePage } from './payments/live-page.tsx';
import { readPaymentSearch, readSearch, writeSearch } from './payments/search-params.ts';
import { Shell } from './shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: NoSuchPage });

const start = createRoute({
  getParentRoute: () => root,
  path: CONSOLE_PATHS.start,
  validateSearch: readPaymentSearch,
  beforeLoad: ({ search }) => {
    throw redirect({ to: CONSOLE_PATHS.payments, search, replace: true });
  },
});

const payments = createRoute({
  getParentRoute: () => root,
  path: CONSOLE_PATHS.payments,
  validateSearch: readPaymentSearch,
  component: LivePage,
});

const importFiles = createRoute({
  getParentRoute: () => root,
  path: CONSOLE_PATHS.importFiles,
  component: ImportFilesPage,
});

export const router = createRouter({
  routeTree: root.addChildren([start, payments, importFiles]),
  parseSearch: readSearch,
  stringifySearch: writeSearch,
  // A panel that opens must not move the list.
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
