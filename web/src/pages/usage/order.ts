import { height } from '../../format/money';
import { amountOf, nameOf, type Group, type Unit } from '../../format/usage';

/** What the table can be sorted by: a grouping by its place, or a figure. */
export type Column = 'by0' | 'by1' | 'requests' | 'refused' | 'input' | 'output' | 'cached' | 'cost' | 'latency';

export interface Order {
  column: Column;
  down: boolean;
}

const columns: Column[] = ['by0', 'by1', 'requests', 'refused', 'input', 'output', 'cached', 'cost', 'latency'];

/** The order that an address names; else the largest of the unit first, or time as it went. */
export function orderOf(text: string | undefined, unit: Unit, timed: boolean): Order {
  const down = text?.startsWith('-') ?? false;
  const column = columns.find((c) => c === (down ? text?.slice(1) : text));
  if (column) {
    return { column, down };
  }
  return timed ? { column: 'by0', down: false } : { column: unit === 'requests' ? 'requests' : unit === 'tokens' ? 'input' : 'cost', down: true };
}

/** The order after a column was chosen: figures begin with the largest, and again turns it round. */
export function nextOrder(now: Order, column: Column): string {
  const down = now.column === column ? !now.down : !column.startsWith('by');
  return down ? `-${column}` : column;
}

function figure(column: Column, g: Group): number {
  switch (column) {
    case 'requests':
      return g.requests;
    case 'refused':
      return g.refused;
    case 'input':
      return g.input_tokens;
    case 'output':
      return g.output_tokens;
    case 'cached':
      return g.cached_input_tokens;
    case 'latency':
      return g.mean_duration_seconds;
    default:
      return height(amountOf('cost', g));
  }
}

/** The groups in an order; equal ones as they came. */
export function sorted(groups: Group[], by: string[], { column, down }: Order): Group[] {
  const place = column === 'by1' ? 1 : 0;
  const compare = column.startsWith('by')
    ? (a: Group, b: Group) => text(by[place], a).localeCompare(text(by[place], b))
    : (a: Group, b: Group) => figure(column, a) - figure(column, b);
  return [...groups].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
}

/** What a group is sorted by: moments as they are written, which is their order. */
function text(by: string | undefined, g: Group): string {
  return by === undefined ? '' : by === 'day' || by === 'hour' ? (g.group?.[by] ?? '') : nameOf(by, g).toLowerCase();
}
