/** The card that asks for an API key and says how to make one. */
import {
  Alert,
  Button,
  Code,
  CopyButton,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { isKeyAccepted } from '../api/client.ts';
import { MarkSign } from '../icons.tsx';
import { signIn } from './session.ts';

const MAKE_A_KEY = './bin/checkvalve api-key create --name me --role owner';
const REFUSED = 'Checkvalve does not accept this key. It may have been revoked, or mistyped.';

export function SignIn({ refused }: { refused: boolean }) {
  const [key, setKey] = useState('');
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState(refused ? REFUSED : null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const given = key.trim();
    if (given === '' || asking) return;
    setAsking(true);
    try {
      if (await isKeyAccepted(given)) signIn(given);
      else setProblem(REFUSED);
    } catch (cause) {
      setProblem(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setAsking(false);
    }
  };

  return (
    <main className="cv-sign-in">
      <Paper component="form" onSubmit={submit} p="xl" radius="md" withBorder>
        <Stack gap="md">
          <Group gap="xs">
            <MarkSign />
            <Title order={1} size="h4">
              Sign in to Checkvalve
            </Title>
          </Group>
          {problem !== null && (
            <Alert color="red" p="sm" role="alert" variant="light">
              {problem}
            </Alert>
          )}
          <PasswordInput
            autoComplete="off"
            data-autofocus
            description="Kept in this tab only, and forgotten when you close it."
            label="API key"
            onChange={(event) => setKey(event.currentTarget.value)}
            spellCheck={false}
            value={key}
          />
          <Button disabled={key.trim() === ''} loading={asking} type="submit">
            Sign in
          </Button>
          <HowToMakeOne />
        </Stack>
      </Paper>
    </main>
  );
}

function HowToMakeOne() {
  return (
    <Stack gap={6}>
      <Text c="dimmed" size="sm">
        No key yet? Make one on the machine Checkvalve runs on:
      </Text>
      <Code block className="cv-command">
        {MAKE_A_KEY}
      </Code>
      <CopyButton value={MAKE_A_KEY}>
        {({ copied, copy }) => (
          <Button onClick={copy} size="compact-xs" variant="subtle" w="fit-content">
            {copied ? 'Copied' : 'Copy command'}
          </Button>
        )}
      </CopyButton>
    </Stack>
  );
}
