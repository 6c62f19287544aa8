import { Anchor, Stack, Text, Title } from '@mantine/core';
import { CONSOLE_PATHS } from './paths.ts';

/** For an address nobody gave out. */
export function NoSuchPage() {
  return (
    <Stack align="center" gap="xs" p="xl">
      <Title order={1} size="h4">
        There is no such page
      </Title>
      <Text c="dimmed" size="sm">
        The console has no page at this address.
      </Text>
      <Anchor href={CONSOLE_PATHS.payments} size="sm">
        Go to payments
      </Anchor>
    </Stack>
  );
}
