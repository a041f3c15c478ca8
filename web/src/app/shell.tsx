import {
  ActionIcon, AppShell, Avatar, Burger, Center, Group, Kbd, Loader, Menu, NavLink, ScrollArea, Text, Tooltip,
  UnstyledButton, useComputedColorScheme, useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Spotlight, spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconLogout, IconMoon, IconSearch, IconSun } from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { Empty, Failed } from '../parts/states';
import { Logo } from '../parts/logo';
import { SignIn } from '../pages/signin/SignIn';
import { pages } from './pages';
import { useMay, useSignOut, useWho } from './session';

/** The frame of every page: who is not signed in sees the door and nothing else. */
export function Shell() {
  const who = useWho();
  if (who.isPending) {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (who.isError) {
    return <Failed why={who.error} again={() => who.refetch()} />;
  }
  return who.data ? <Frame name={who.data.name} role={who.data.role} /> : <SignIn />;
}

function Frame({ name, role }: { name: string; role: string }) {
  const [open, { toggle, close }] = useDisclosure();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={open ? 'Close the navigation' : 'Open the navigation'} />
            <Logo />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <GoTo />
            <Scheme />
            <Account name={name} role={role} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <Navigation close={close} />
      </AppShell.Navbar>
      <AppShell.Main>
        <div style={{ maxWidth: 1480, margin: '0 auto' }}>
          <Allowed />
        </div>
      </AppShell.Main>
    </AppShell>
  );
}

/** The page, unless the role has nothing on it: an address can be had from somebody with another role. */
function Allowed() {
  const may = useMay();
  const at = useRouterState({ select: (s) => s.location.pathname });
  const page = pages.find((p) => p.to !== '/' && at.startsWith(p.to));
  return !page || may(page.needs) ? <Outlet /> : (
    <Empty icon={page.icon} title={`Your role is not shown: ${page.name.toLowerCase()}`}>
      Ask an owner for an admin token with another role, and sign in with that.
    </Empty>
  );
}

function Navigation({ close }: { close: () => void }) {
  const may = useMay();
  const at = useRouterState({ select: (s) => s.location.pathname });
  return (
    <AppShell.Section grow component={ScrollArea}>
      <nav aria-label="Pages">
        {pages.filter((p) => may(p.needs)).map((p) => (
          <NavLink
            key={p.to}
            component={Link}
            to={p.to}
            label={p.name}
            leftSection={<p.icon size={18} stroke={1.6} aria-hidden />}
            active={p.to === '/' ? at === '/' : at.startsWith(p.to)}
            onClick={close}
            mb={2}
            style={{ borderRadius: 'var(--mantine-radius-md)' }}
          />
        ))}
      </nav>
    </AppShell.Section>
  );
}

/** Ctrl+K goes anywhere without a mouse. */
function GoTo() {
  const may = useMay();
  const navigate = useNavigate();
  const actions: SpotlightActionData[] = pages.filter((p) => may(p.needs)).map((p) => ({
    id: p.to,
    label: p.name,
    description: p.about,
    leftSection: <p.icon size={20} stroke={1.6} aria-hidden />,
    onClick: () => void navigate({ to: p.to }),
  }));
  if (may('createKey')) {
    actions.push({
      id: 'new-key', label: 'Create a key', description: 'A new virtual key with its limits', leftSection: <IconSearch size={20} aria-hidden />,
      onClick: () => void navigate({ to: '/keys', search: { new: 'key' } }),
    });
  }
  return (
    <>
      <UnstyledButton onClick={spotlight.open} aria-label="Go to a page" visibleFrom="sm" px="sm" py={6}
        style={{ border: '1px solid var(--mantine-color-default-border)', borderRadius: 'var(--mantine-radius-md)' }}>
        <Group gap="xs">
          <IconSearch size={16} aria-hidden />
          <Text size="sm" c="dimmed">Go to …</Text>
          <Kbd size="xs">Ctrl K</Kbd>
        </Group>
      </UnstyledButton>
      <ActionIcon variant="default" size="lg" onClick={spotlight.open} hiddenFrom="sm" aria-label="Go to a page">
        <IconSearch size={18} aria-hidden />
      </ActionIcon>
      <Spotlight actions={actions} shortcut="mod + K" nothingFound="No such page" highlightQuery
        searchProps={{ leftSection: <IconSearch size={18} aria-hidden />, placeholder: 'Go to …', 'aria-label': 'Go to' }} />
    </>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark';
  return (
    <Tooltip label={dark ? 'Light' : 'Dark'}>
      <ActionIcon variant="default" size="lg" aria-label={dark ? 'Use light colours' : 'Use dark colours'} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

function Account({ name, role }: { name: string; role: string }) {
  const signOut = useSignOut();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="transparent" size="lg" aria-label={`Signed in as ${name}`}>
          <Avatar size={32} name={name} color="toll" variant="filled" alt="" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name}, {role}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
