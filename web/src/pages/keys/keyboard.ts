import { useEffect, useEffectEvent, type RefObject } from 'react';

/** Whether somebody writes there, so that letters are letters. */
function writes(on: EventTarget | null): boolean {
  return on instanceof HTMLElement && (on.isContentEditable
    || on.matches('textarea, select, [role=combobox], input:not([type=checkbox], [type=radio])'));
}

/** What the keys of the keyboard do on the page, by what they write. A dialog has the keyboard for itself. */
export function useKeyboard(does: Record<string, (e: KeyboardEvent) => void>) {
  const pressed = useEffectEvent((e: KeyboardEvent) => {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || writes(e.target) || document.querySelector('[role=dialog]')) {
      return;
    }
    if (Object.hasOwn(does, e.key)) {
      does[e.key]!(e);
    }
  });
  useEffect(() => {
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
}

/** The row that has the focus. */
export function rowAt(list: RefObject<HTMLElement | null>): HTMLElement | undefined {
  const row = document.activeElement?.closest<HTMLElement>('[data-row]');
  return row && list.current?.contains(row) ? row : undefined;
}

/** Moves the focus by so many rows, from nowhere to the first or the last. */
export function move(list: RefObject<HTMLElement | null>, by: 1 | -1) {
  const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
  const at = rows.findIndex((row) => row === rowAt(list));
  const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  const link = rows[to]?.querySelector('a');
  link?.focus({ preventScroll: true });
  link?.scrollIntoView({ block: 'nearest' });
}
