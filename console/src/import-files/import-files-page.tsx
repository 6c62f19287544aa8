/** Files for people to import into books that no program may write to: which, for what, and whether it was done. */
import { Button, Code, Loader, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getImportFile } from '../api/client.ts';
import type { ListedFile } from '../api/import-file.ts';
import { importFilesQuery, KEYS } from '../api/queries.ts';
import { InstantCell } from '../cells/instant-cell.tsx';
import { Notice } from '../notice.tsx';

export function ImportFilesPage() {
  const list = useQuery(importFilesQuery());
  return (
    <main className="cv-main">
      <h1 className="cv-unseen">Import files</h1>
      {list.isPending && (
        <Loader aria-label="Reading import files" m="md" role="status" size="sm" />
      )}
      {list.isError && (
        <Notice role="alert" title="The import files could not be read">
          <Text size="sm">{list.error.message}</Text>
          <Button onClick={() => void list.refetch()} size="compact-sm" variant="light">
            Try again
          </Button>
        </Notice>
      )}
      {list.data?.files.length === 0 && <NoFilesYet />}
      {list.data && list.data.files.length > 0 && <FileTable files={list.data.files} />}
      {list.data?.complete === false && (
        <Text c="dimmed" py="sm" size="sm" ta="center">
          Older files: <Code>./bin/checkvalve import-files</Code>
        </Text>
      )}
    </main>
  );
}

function NoFilesYet() {
  return (
    <Notice title="No import file has been written">
      <Text c="dimmed" maw={460} size="sm" ta="center">
        Payments for books that no program may write to are gathered into files, a quarter of an
        hour after the first. To have one written now, run
      </Text>
      <Code block className="cv-command">
        ./bin/checkvalve import-files --cut
      </Code>
    </Notice>
  );
}

function FileTable({ files }: { files: readonly ListedFile[] }) {
  return (
    <div className="cv-list">
      <table className="cv-table">
        <caption className="cv-unseen">Import files, newest first</caption>
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Books</th>
            <th scope="col">Payments</th>
            <th scope="col">Written</th>
            <th scope="col">Downloaded</th>
            <th aria-label="Download" scope="col" />
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <FileRow file={file} key={file.id} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function FileRow({ file }: { file: ListedFile }) {
  const client = useQueryClient();
  const download = useMutation({
    mutationFn: async () => save(await getImportFile(file.id), file.name),
    onSuccess: () => client.invalidateQueries({ queryKey: KEYS.importFiles }),
  });
  const all = file.entries.length;
  const isSeen = file.seen === all;
  return (
    <tr>
      <td className="cv-number">{file.name}</td>
      <td>{file.books}</td>
      <td className={isSeen ? undefined : 'cv-attention'}>
        {isSeen ? `all ${all} seen` : `${file.seen} of ${all} seen`}
      </td>
      <td>
        <InstantCell at={file.createdAt} />
      </td>
      <td>
        {file.firstDownloadedAt === null ? (
          <span className="cv-nothing">not yet</span>
        ) : (
          <InstantCell at={file.firstDownloadedAt} />
        )}
      </td>
      <td className="cv-figures">
        <Button
          aria-label={`Download ${file.name}`}
          loading={download.isPending}
          onClick={() => download.mutate()}
          size="compact-xs"
          variant={file.firstDownloadedAt === null ? 'light' : 'subtle'}
        >
          {file.firstDownloadedAt === null ? 'Download' : 'Download again'}
        </Button>
        {download.isError && (
          <Text className="cv-trouble" role="alert" size="xs">
            {download.error.message}
          </Text>
        )}
      </td>
    </tr>
  );
}

/** Hands the bytes to the browser as a file. */
function save(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href, download: name });
  link.click();
  // The browser has taken what it needs by the next task.
  setTimeout(() => URL.revokeObjectURL(href));
}
