import { List, Table, Text, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { api, ask, type Schemas } from '../api/client';
import { compact, count, seconds } from '../format/numbers';
import { meaning, outcomeColour, outcomeWords } from '../format/outcome';
import { Money, When } from './figures';
import classes from './requests.module.css';

type Request = Schemas['Request'];

/** How an exchange ended: a sign, and in words. */
export function OutcomeBadge({ outcome, code, status }: { outcome: string; code?: string; status?: number }) {
  return (
    <Tooltip label={meaning(outcome)}>
      <span className={classes.outcome}>
        <span className={classes.dot} style={{ background: `var(--mantine-color-${outcomeColour(outcome)}-filled)` }} aria-hidden />
        {status !== undefined && status > 0 && <span className={classes.status}>{status}</span>}
        <span className={classes.words}>{outcomeWords(outcome, code)}</span>
      </span>
    </Tooltip>
  );
}

interface TableProps {
  requests: Request[];
  /** The request that is shown beside the table. */
  selected?: string;
  /** Called instead of going to the page of requests. */
  onPick?: (id: string) => void;
  /** Where all requests are of one key, it need not stand in every row. */
  withoutKey?: boolean;
}

/** Requests, one a line. Columns give way where there is little room. */
export function RequestTable({ requests, selected, onPick, withoutKey }: TableProps) {
  return (
    <div className={classes.frame}>
      <Table className={classes.table} highlightOnHover verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            {!withoutKey && <Table.Th className={classes.wide}>Key</Table.Th>}
            <Table.Th>Model</Table.Th>
            <Table.Th>Outcome</Table.Th>
            <Table.Th className={`${classes.wider} number`}>Tokens in</Table.Th>
            <Table.Th className={`${classes.wider} number`}>out</Table.Th>
            <Table.Th className="number">Cost</Table.Th>
            <Table.Th className={`${classes.wide} number`}>Duration</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {requests.map((r) => (
            <RequestRow key={r.id} request={r} selected={r.id === selected} onPick={onPick} withoutKey={withoutKey} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

interface RowProps {
  request: Request;
  selected?: boolean;
  onPick?: (id: string) => void;
  withoutKey?: boolean;
}

/** One request in a table. Its time is a link, so that it opens by keyboard and in a new tab as well. */
export const RequestRow = memo(function RequestRow({ request: r, selected, onPick, withoutKey }: RowProps) {
  const cost = r.price === 'unknown' ? <Text span inherit c="dimmed">no price</Text> : r.attempts?.length ? <Money usd={r.cost_usd} /> : '–';
  return (
    <Table.Tr
      className={classes.row}
      data-request={r.id}
      aria-selected={selected}
      onClick={onPick && ((e) => {
        if (!(e.target as Element).closest('a')) {
          onPick(r.id);
        }
      })}
    >
      <Table.Td>
        <Link
          to="/requests"
          search={(s: Record<string, unknown>) => (onPick ? { ...s, id: r.id } : { id: r.id })}
          resetScroll={!onPick}
          className={classes.link}
          aria-label={`Request ${r.id}`}
        >
          <When at={r.at} />
        </Link>
      </Table.Td>
      {!withoutKey && <Table.Td className={`${classes.wide} ${classes.cut}`}>{r.key_name ?? <Text span inherit c="dimmed">no key</Text>}</Table.Td>}
      <Table.Td className={classes.cut}>
        {r.model_asked ?? '–'}
        {!withoutKey && <span className={classes.below}>{r.key_name ?? 'no key'}</span>}
      </Table.Td>
      <Table.Td className={classes.cut}><OutcomeBadge outcome={r.outcome} code={r.code} status={r.status} /></Table.Td>
      <Table.Td className={`${classes.wider} number`} title={count(r.tokens.input)}>{figure(r, r.tokens.input)}</Table.Td>
      <Table.Td className={`${classes.wider} number`} title={count(r.tokens.output)}>{figure(r, r.tokens.output)}</Table.Td>
      <Table.Td className="number">{cost}</Table.Td>
      <Table.Td className={`${classes.wide} number`}>{seconds(r.duration_seconds)}</Table.Td>
    </Table.Tr>
  );
});

/** Nothing was counted of what no provider saw. */
function figure(r: Request, n: number): string {
  return r.attempts?.length ? compact(n) : '–';
}

/** The answer to "why was this refused?" or "why this price?". */
export function Sentences({ sentences }: { sentences: string[] }) {
  return (
    <List size="sm" spacing={4} listStyleType="none" className="wrap-anywhere">
      {sentences.map((sentence, i) => <List.Item key={i}>{sentence}</List.Item>)}
    </List>
  );
}

/** A request with its explanation. What has happened does not change any more. */
export function whyQuery(id: string) {
  return {
    queryKey: ['requests', 'why', id],
    queryFn: ({ signal }: { signal: AbortSignal }) => ask(api.GET('/api/v1/requests/{id}/why', { params: { path: { id } }, signal })),
    staleTime: Infinity,
  };
}
