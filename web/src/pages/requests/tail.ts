import type { InfiniteData } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';

type Request = Schemas['Request'];
type Page = Schemas['RequestList'];
export type Pages = InfiniteData<Page, string | undefined>;

/** As many rows as a table of a page shows before those at its end go. */
const most = 1000;

/** All requests of the pages that were read, newest first. */
export function all(pages: Pages | undefined): Request[] {
  const requests = pages?.pages.flatMap((p) => p.requests ?? []) ?? [];
  return requests.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/**
 * What a look at the newest page brought that the list does not have. What is older than the
 * list reaches belongs to a page that was not read yet.
 */
export function newcomers(list: Request[], newest: Page | undefined, more: boolean): Request[] {
  const known = new Set(list.map((r) => r.id));
  const oldest = list.at(-1);
  const reaches = oldest && more ? Date.parse(oldest.at) : -Infinity;
  return (newest?.requests ?? []).filter((r) => !known.has(r.id) && Date.parse(r.at) >= reaches);
}

/**
 * Takes newcomers into the list. If none of the newest page was known, there may be others
 * between it and the list: then the list begins anew with it, as it does when it gets too long.
 */
export function withNewcomers(pages: Pages, newest: Page): Pages {
  const list = all(pages);
  const fresh = newcomers(list, newest, Boolean(pages.pages.at(-1)?.next));
  const gap = list.length > 0 && Boolean(newest.next) && fresh.length === newest.requests?.length;
  if (gap || list.length + fresh.length > most) {
    return { pages: [newest], pageParams: [undefined] };
  }
  const [first, ...others] = pages.pages;
  return { ...pages, pages: [{ ...first, requests: [...fresh, ...(first?.requests ?? [])] }, ...others] };
}

/** The request before or behind another in a list. */
export function beside(list: Request[], id: string | undefined, step: 1 | -1): Request | undefined {
  const at = list.findIndex((r) => r.id === id);
  return at < 0 ? list[0] : list[at + step];
}
