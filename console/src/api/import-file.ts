/** A file for people to import into their books, as the API tells of it. */
export type ImportFile = {
  readonly id: string;
  readonly systemId: string;
  readonly name: string;
  readonly createdAt: string;
  readonly firstDownloadedAt: string | null;
  readonly seen: number;
  readonly entries: readonly unknown[];
};

/** With the name of the books it is for. */
export type ListedFile = ImportFile & { readonly books: string };

/** The newest of every system that is books; `complete` is false when there are older ones. */
export type ImportFiles = { readonly files: readonly ListedFile[]; readonly complete: boolean };
