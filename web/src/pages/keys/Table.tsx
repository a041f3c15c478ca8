import { Checkbox, Stack, Table as Plain, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import { useDeferredValue, type Ref } from 'react';
import type { Key, Sort } from './list';
import { Card, Row, type RowProps } from './Row';
import styles from './Keys.module.css';

interface TableProps extends Pick<RowProps, 'onSelect' | 'onLabel'> {
  keys: Key[];
  selected: Map<string, Key>;
  onSelectAll: (keys: Key[], on: boolean) => void;
  sort: Sort;
  onSort: (sort: Sort) => void;
  /** Shows keys of another question, while the answer to this one is on its way. */
  stale: boolean;
  ref?: Ref<HTMLDivElement>;
}

/** The keys of a page: a table, and cards where there is no room for one. */
export function Table({ ref, ...props }: TableProps) {
  const narrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  return (
    <div ref={ref} className={props.stale ? styles.stale : undefined} aria-busy={props.stale}>
      {narrow ? <Cards {...props} /> : <Wide {...props} />}
    </div>
  );
}

function Cards({ keys, selected, onSelect, onLabel }: TableProps) {
  return (
    <Stack gap="xs">
      {keys.map((k) => <Card key={k.id} of={k} selected={selected.has(k.id)} onSelect={onSelect} onLabel={onLabel} />)}
    </Stack>
  );
}

/** So many rows are drawn at once. */
const atOnce = 50;

function Wide({ keys, selected, onSelect, onSelectAll, onLabel, sort, onSort }: TableProps) {
  // A long page can be used before all of it is drawn: the rows below follow when there is nothing else to do.
  const complete = useDeferredValue(true, false);
  const some = keys.some((k) => selected.has(k.id));
  const all = keys.length > 0 && keys.every((k) => selected.has(k.id));
  return (
    <Plain className={styles.table} layout="fixed" stickyHeader stickyHeaderOffset={56} aria-label="Keys">
      <Plain.Thead>
        <Plain.Tr>
          {onSelect && (
            <Plain.Th w={40} className={styles.select}>
              <Checkbox size="xs" aria-label="Select all keys of this page" checked={all} indeterminate={some && !all} onChange={(e) => onSelectAll(keys, e.currentTarget.checked)} />
            </Plain.Th>
          )}
          <Head name="Name" by="name" sort={sort} onSort={onSort} />
          <Plain.Th w={200} className={styles.wide}>Labels</Plain.Th>
          <Plain.Th w={132}>Status</Plain.Th>
          <Plain.Th w={230} visibleFrom="md">Limits</Plain.Th>
          <Plain.Th w={110} className="number">This month</Plain.Th>
          <Head name="Last used" by="last_used_at" sort={sort} onSort={onSort} w={138} right />
          <Head name="Expires" by="expires_at" sort={sort} onSort={onSort} w={124} right from="lg" />
          <Head name="Created" by="created_at" sort={sort} onSort={onSort} w={124} right widest />
        </Plain.Tr>
      </Plain.Thead>
      <Plain.Tbody>
        {(complete ? keys : keys.slice(0, atOnce)).map((k) => <Row key={k.id} of={k} selected={selected.has(k.id)} onSelect={onSelect} onLabel={onLabel} />)}
      </Plain.Tbody>
    </Plain>
  );
}

function Head({ name, by, sort, onSort, w, right = false, from, widest = false }: {
  name: string;
  by: 'name' | 'created_at' | 'last_used_at' | 'expires_at';
  sort: Sort;
  onSort: (sort: Sort) => void;
  w?: number;
  right?: boolean;
  from?: 'lg';
  widest?: boolean;
}) {
  const up = sort === by;
  const down = sort === `-${by}`;
  const Shown = up ? IconArrowUp : down ? IconArrowDown : IconArrowsSort;
  // What is newest is what people look for first.
  const next: Sort = up ? `-${by}` : down ? by : by === 'last_used_at' || by === 'created_at' ? `-${by}` : by;
  return (
    <Plain.Th w={w} className={`${right ? 'number' : ''} ${widest ? styles.widest : ''}`} visibleFrom={from} aria-sort={up ? 'ascending' : down ? 'descending' : 'none'}>
      <UnstyledButton className={styles.head} onClick={() => onSort(next)}>
        {name}
        <Shown size={13} aria-hidden opacity={up || down ? 1 : 0.35} />
      </UnstyledButton>
    </Plain.Th>
  );
}
