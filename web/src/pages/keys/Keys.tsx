import { ActionIcon, Button, Group, Menu, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconFileImport, IconKeyboard, IconPlus } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useRef, useState } from 'react';
import { useMay } from '../../app/session';
import { labelsOf, labelsText } from '../../format/labels';
import { Failed, PageHead, Rows } from '../../parts/states';
import { Bulk } from './Bulk';
import { Create } from './Create';
import { Filters } from './Filters';
import { Hints } from './Hints';
import { Import } from './Import';
import { move, rowAt, useKeyboard } from './keyboard';
import { filtered, sizes, sortOf, useKeys, type Key, type KeySearch } from './list';
import { NoKeys, NoMatch } from './Nothing';
import { Pages } from './Pages';
import { placeOf, remember } from './places';
import { Table } from './Table';

const route = getRouteApi('/keys');

/** All virtual keys: found, switched, made and taken over. */
export function Keys() {
  const { new: dialog, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const [hints, showHints] = useDisclosure();
  const open = (which: string | undefined) => void navigate({ search: (s) => ({ ...s, new: which }) });
  const close = () => void navigate({ search: (s) => ({ ...s, new: undefined }), replace: true });
  const create = () => open('key');
  return (
    <>
      <PageHead title="Keys" actions={<Actions create={create} take={() => open('import')} hints={showHints.open} />}>
        What applications use instead of your providers’ credentials, each with its own limits
      </PageHead>
      <List search={search} create={create} take={() => open('import')} hints={showHints.open} />
      {may('createKey') && <Create opened={dialog === 'key'} close={close} />}
      {may('importKeys') && <Import opened={dialog === 'import'} close={close} />}
      <Hints opened={hints} close={showHints.close} />
    </>
  );
}

function Actions({ create, take, hints }: { create: () => void; take: () => void; hints: () => void }) {
  const may = useMay();
  return (
    <Group gap="xs">
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More about keys"><IconDots size={18} aria-hidden /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {may('importKeys') && <Menu.Item leftSection={<IconFileImport size={16} aria-hidden />} onClick={take}>Import keys</Menu.Item>}
          <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={hints}>Keyboard</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {may('createKey') && (
        <Tooltip label="c" openDelay={500}>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={create} aria-keyshortcuts="c">Create key</Button>
        </Tooltip>
      )}
    </Group>
  );
}

function List({ search, create, take, hints }: { search: KeySearch; create: () => void; take: () => void; hints: () => void }) {
  const navigate = route.useNavigate();
  const may = useMay();
  const page = useKeys(search);
  const [selected, setSelected] = useState(() => new Map<string, Key>());
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);

  // Another question begins on its first page; typing does not fill the history.
  const change = useCallback((to: Partial<KeySearch>) => {
    void navigate({ search: (s) => ({ ...s, ...to, after: undefined }), replace: 'q' in to, resetScroll: false });
  }, [navigate]);
  const go = (after: string | undefined) => void navigate({ search: (s) => ({ ...s, after }) });
  const select = useCallback((keys: Key[], on: boolean) => setSelected((was) => {
    const is = new Map(was);
    keys.forEach((k) => (on ? is.set(k.id, k) : is.delete(k.id)));
    return is;
  }), []);
  const selectOne = useCallback((key: Key, on: boolean) => select([key], on), [select]);
  const { labels } = search;
  const pick = useCallback((name: string, value: string) => change({ labels: labelsText({ ...labelsOf(labels), [name]: value }) }), [change, labels]);
  const clear = () => void navigate({ search: (s) => ({ sort: s.sort, size: s.size }) });

  const keys = page.data?.keys ?? [];
  const many = may('editKey') || may('disableKey') || may('deleteKey');
  useKeyboard({
    '/': (e) => {
      e.preventDefault();
      input.current?.focus();
      input.current?.select();
    },
    c: (e) => {
      if (may('createKey')) {
        e.preventDefault();
        create();
      }
    },
    x: () => {
      const key = keys.find((k) => k.id === rowAt(list)?.dataset.row);
      if (key && many) {
        selectOne(key, !selected.has(key.id));
      }
    },
    ArrowDown: (e) => {
      e.preventDefault();
      move(list, 1);
    },
    ArrowUp: (e) => {
      e.preventDefault();
      move(list, -1);
    },
    Escape: () => setSelected(new Map()),
    '?': hints,
  });

  const place = placeOf(search);
  const next = page.data?.next;
  if (page.isSuccess && keys.length === 0 && !filtered(search) && search.after === undefined) {
    return <NoKeys create={create} take={take} />;
  }
  return (
    <>
      <Filters search={search} change={change} input={input} />
      {page.isPending ? <Rows rows={12} height={64} /> : page.isError && !page.data ? <Failed why={page.error} again={() => void page.refetch()} /> : (
        <>
          {page.isError && <Failed why={page.error} again={() => void page.refetch()} />}
          {keys.length === 0 ? <NoMatch clear={clear} /> : (
            <Table
              ref={list} keys={keys} selected={selected} onSelect={many ? selectOne : undefined} onSelectAll={select} onLabel={pick} sort={sortOf(search)}
              onSort={(sort) => change({ sort: sort === 'name' ? undefined : sort })} stale={page.isPlaceholderData}
            />
          )}
          <Pages
            shown={keys.length} first={place?.first} total={page.data?.total} atLeast={page.data?.total_at_least} sizes={sizes} size={search.size ?? '50'} onSize={(size) => change({ size: size === '50' ? undefined : size })}
            previous={search.after === undefined ? undefined : () => go(place?.before)}
            next={next && !page.isPlaceholderData ? () => {
              remember(search, next, keys.length);
              go(next);
            } : undefined}
          />
        </>
      )}
      <Bulk selected={selected} clear={() => setSelected(new Map())} />
    </>
  );
}
