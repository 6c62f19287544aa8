/** The pages the console's router owns; the server answers each of them with `index.html`. */
export const CONSOLE_PATHS = {
  start: '/',
  payments: '/payments',
  importFiles: '/import-files',
} as const;
