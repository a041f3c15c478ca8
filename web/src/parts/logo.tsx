import { Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';

/** The name of the house, which leads home. */
export function Logo() {
  return (
    <Link to="/" style={{ textDecoration: 'none', color: 'inherit' }} aria-label="tollgate, overview">
      <Group gap={8} wrap="nowrap">
        <Mark />
        <Text fw={700} size="lg" style={{ letterSpacing: '-0.02em' }}>
          tollgate
        </Text>
      </Group>
    </Link>
  );
}

export function Mark({ size = 26 }: { size?: number }) {
  return <img src={`${import.meta.env.BASE_URL}icon.svg`} width={size} height={size} alt="" />;
}
