import { Button, Drawer, Group, Stack, Switch } from '@mantine/core';
import { useHotkeys, useMediaQuery } from '@mantine/hooks';
import { IconArrowUp } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { some } from '../../format/numbers';
import { PageHead, Failed, Rows } from '../../parts/states';
import { Detail } from './detail';
import { Filters } from './filters';
import { useRequestList } from './list';
import { Listing } from './listing';
import classes from './requests.module.css';
import { Search } from './search';
import { beside } from './tail';

const route = getRouteApi('/requests');

/** What was asked, answered and refused, newest first; one of them in detail beside it. */
export function Requests() {
  const { id, ...asked } = route.useSearch();
  const navigate = route.useNavigate();
  const [follow, setFollow] = useState(true);
  const [pointed, setPointed] = useState(false);
  const scrolled = useScrolled();
  const held = Boolean(id) || pointed || scrolled;
  const { list, requests, waiting, take } = useRequestList(useSteady(asked), follow && !asked.to, held);

  const open = useCallback(
    (next: string | undefined) => void navigate({ search: (s) => ({ ...s, id: next }), resetScroll: false, replace: Boolean(id) }),
    [navigate, id],
  );
  const step = (by: 1 | -1) => {
    const next = beside(requests, id, by);
    if (next) {
      open(next.id);
      document.querySelector(`[data-request="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: 'nearest' });
    } else if (by === 1 && list.hasNextPage && !list.isFetching) {
      void list.fetchNextPage();
    }
  };
  useHotkeys([['j', () => step(1)], ['k', () => step(-1)], ['Escape', () => id && open(undefined)]]);

  const showNew = () => {
    take();
    window.scrollTo({ top: 0 });
  };
  const detail = id && <Detail id={id} step={step} close={() => open(undefined)} />;
  return (
    <>
      <PageHead title="Requests" actions={<Search open={open} />}>
        What was asked, answered and refused. j and k go from one to the next.
      </PageHead>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" gap="sm">
          <Filters asked={asked} />
          <Group gap="sm" mih={30}>
            {waiting > 0 && (
              <Button size="compact-sm" leftSection={<IconArrowUp size={14} aria-hidden />} onClick={showNew}>
                {some(waiting, 'new request')}
              </Button>
            )}
            <Switch label="Live" checked={follow && !asked.to} disabled={Boolean(asked.to)} onChange={(e) => setFollow(e.currentTarget.checked)} />
          </Group>
        </Group>
        {list.isError && requests.length === 0 ? <Failed why={list.error} again={() => void list.refetch()} /> : list.isPending ? <Rows rows={14} height={36} /> : (
          <Split detail={detail} close={() => open(undefined)}>
            <div onPointerEnter={() => setPointed(true)} onPointerLeave={() => setPointed(false)}>
              <Listing list={list} requests={requests} asked={asked} selected={id} pick={open} />
            </div>
          </Split>
        )}
      </Stack>
    </>
  );
}

/** The detail is beside the list where there is room, and over it where there is none. */
function Split({ detail, close, children }: { detail: ReactNode; close: () => void; children: ReactNode }) {
  const room = useMediaQuery('(min-width: 75em)', true, { getInitialValueInEffect: false });
  return (
    <div className={detail && room ? classes.split : undefined}>
      {children}
      {detail && room && <aside className={classes.aside} aria-label="One request">{detail}</aside>}
      {!room && (
        <Drawer opened={Boolean(detail)} onClose={close} position="right" size="xl" withCloseButton={false} aria-label="One request" padding="md">
          {detail}
        </Drawer>
      )}
    </div>
  );
}

/** The same object as long as the same is in it, so that what hangs on it stays as well. */
function useSteady<T extends object>(value: T): T {
  const text = JSON.stringify(value);
  const [steady, setSteady] = useState({ text, value });
  if (steady.text !== text) {
    setSteady({ text, value });
    return value;
  }
  return steady.value;
}

/** Tells whether who reads has gone down the page. */
function useScrolled(): boolean {
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => {
    const look = () => setScrolled(window.scrollY > 40);
    look();
    window.addEventListener('scroll', look, { passive: true });
    return () => window.removeEventListener('scroll', look);
  }, []);
  return scrolled;
}
