/** The source documents, down to the bytes as they came. */
import { Anchor, Button, Group, Loader, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { getOriginal } from '../../api/client.ts';
import type { SourceDocument } from '../../api/trail.ts';
import { InstantCell } from '../../cells/instant-cell.tsx';
import { StatusCell } from '../../cells/status-cell.tsx';
import { sentence } from '../../format/words.ts';
import { Section } from './section.tsx';

/** More than this is offered for download only. */
const LONGEST_SHOWN_BYTES = 256 * 1024;

export function Documents({ documents }: { documents: readonly SourceDocument[] }) {
  return (
    <Section count={documents.length} nothing="No document." title="Source documents">
      {documents.map((document) => (
        <DocumentItem document={document} key={document.id} />
      ))}
    </Section>
  );
}

function DocumentItem({ document }: { document: SourceDocument }) {
  const [shown, setShown] = useState(false);
  const place = document.sequence === null ? '' : `, number ${document.sequence} in the sequence`;
  return (
    <li id={document.id} tabIndex={-1}>
      <div className="cv-line">
        <span title={`By ${document.origin} from ${document.portal}${place}`}>
          <span className="cv-id">{document.id}</span>{' '}
          <span className="cv-dim">{sentence(document.origin)}</span>
        </span>
        <span className="cv-pair">
          <StatusCell status={document.status} />
          <InstantCell at={document.receivedAt} />
        </span>
      </div>
      {document.reason !== null && <p className="cv-because">{document.reason}</p>}
      <Button
        aria-expanded={shown}
        aria-label={`Original bytes of ${document.id}`}
        onClick={() => setShown(!shown)}
        size="compact-xs"
        variant="subtle"
      >
        {shown ? 'Hide original bytes' : 'Original bytes'}
      </Button>
      {shown && <Original documentId={document.id} />}
    </li>
  );
}

type Bytes = { readonly blob: Blob; readonly text: string | null };

function Original({ documentId }: { documentId: string }) {
  // A document never changes, so it is read once.
  const original = useQuery({
    queryKey: ['original', documentId],
    queryFn: async ({ signal }): Promise<Bytes> => {
      const blob = await getOriginal(documentId, signal);
      return { blob, text: blob.size > LONGEST_SHOWN_BYTES ? null : await blob.text() };
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  if (original.isPending) return <Loader aria-label="Reading the original" size="xs" />;
  if (!original.data) {
    return (
      <Text c="red" role="alert" size="xs">
        {original.error.message}
      </Text>
    );
  }
  const { blob, text } = original.data;
  return (
    <>
      {text !== null && <pre className="cv-original">{text}</pre>}
      <Download blob={blob} name={documentId} />
    </>
  );
}

function Download({ blob, name }: { blob: Blob; name: string }) {
  const [href, setHref] = useState<string>();
  useEffect(() => {
    // As opaque bytes: a portal's HTML must not be opened as a page of ours.
    const url = URL.createObjectURL(blob.slice(0, blob.size, 'application/octet-stream'));
    setHref(url);
    return () => URL.revokeObjectURL(url);
  }, [blob]);
  return (
    <Group gap="xs">
      <Anchor download={name} href={href} size="xs">
        Download
      </Anchor>
      <Text c="dimmed" size="xs">
        {blob.size.toLocaleString()} bytes
      </Text>
    </Group>
  );
}
