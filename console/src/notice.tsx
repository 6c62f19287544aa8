/** What stands where a list would: why there is none, and what to do. */
import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

type NoticeProps = {
  readonly title: string;
  readonly role?: 'status' | 'alert';
  readonly children: ReactNode;
};

export function Notice({ title, role = 'status', children }: NoticeProps) {
  return (
    <Stack align="center" className="cv-list" gap="sm" px="md" py={56} role={role}>
      <Text className={role === 'alert' ? 'cv-trouble' : undefined} fw={600}>
        {title}
      </Text>
      {children}
    </Stack>
  );
}
