import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Missing, PageFailed, PagePending } from '../parts/states';
import { Shell } from './shell';

const root = createRootRoute({ component: Shell, notFoundComponent: Missing });

/** Keeps of a query what is text and not empty. */
function words<K extends string>(search: Record<string, unknown>, ...names: K[]): { [P in K]?: string } {
  const kept: { [P in K]?: string } = {};
  for (const name of names) {
    const value = search[name];
    if (typeof value === 'string' && value !== '') {
      kept[name] = value;
    }
  }
  return kept;
}

// Every filter of a page is in its address, so that what is seen can be sent to somebody.

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  // of the chart: by one grouping, in a unit, over a period
  validateSearch: (s: Record<string, unknown>) => words(s, 'by', 'show', 'period'),
  component: lazyRouteComponent(() => import('../pages/overview/Overview'), 'Overview'),
});

const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  // labels: NAME=VALUE pairs with commas between; after: cursor of the page; new: the dialog that is open, key or import
  validateSearch: (s: Record<string, unknown>) => words(s, 'q', 'status', 'origin', 'labels', 'expiring', 'idle', 'uncapped', 'sort', 'size', 'after', 'new'),
  component: lazyRouteComponent(() => import('../pages/keys/Keys'), 'Keys'),
});

const key = createRoute({
  getParentRoute: () => root,
  path: '/keys/$id',
  // show: which requests; unit, period, from and to: of the usage
  validateSearch: (s: Record<string, unknown>) => words(s, 'tab', 'show', 'unit', 'period', 'from', 'to'),
  component: lazyRouteComponent(() => import('../pages/key/Key'), 'KeyPage'),
});

const limits = createRoute({
  getParentRoute: () => root,
  path: '/limits',
  validateSearch: (s: Record<string, unknown>) => words(s, 'new', 'id'),
  component: lazyRouteComponent(() => import('../pages/limits/Limits'), 'Limits'),
});

const requests = createRoute({
  getParentRoute: () => root,
  path: '/requests',
  // from and to: RFC 3339; id: the exchange that is shown in detail
  validateSearch: (s: Record<string, unknown>) =>
    words(s, 'key', 'model', 'provider', 'outcome', 'code', 'limit_id', 'status', 'labels', 'from', 'to', 'id'),
  component: lazyRouteComponent(() => import('../pages/requests/Requests'), 'Requests'),
});

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  // period: today, 24h, 7d, 30d, month, last_month, or custom with from and to; by: groupings with commas between;
  // show: the unit; sort: a column, with a minus before it the largest first
  validateSearch: (s: Record<string, unknown>) => words(s, 'period', 'from', 'to', 'by', 'key', 'model', 'provider', 'labels', 'show', 'sort'),
  component: lazyRouteComponent(() => import('../pages/usage/Usage'), 'Usage'),
});

const models = createRoute({
  getParentRoute: () => root,
  path: '/models',
  // provider and model: whose override is being set
  validateSearch: (s: Record<string, unknown>) => words(s, 'tab', 'q', 'provider', 'model'),
  component: lazyRouteComponent(() => import('../pages/models/Models'), 'Models'),
});

const credentials = createRoute({
  getParentRoute: () => root,
  path: '/credentials',
  validateSearch: (s: Record<string, unknown>) => words(s, 'new'),
  component: lazyRouteComponent(() => import('../pages/credentials/Credentials'), 'Credentials'),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (s: Record<string, unknown>) => words(s, 'actor', 'action', 'target', 'related', 'target_kind', 'outcome', 'from', 'to'),
  component: lazyRouteComponent(() => import('../pages/audit/Audit'), 'Audit'),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  validateSearch: (s: Record<string, unknown>) => words(s, 'tab'),
  component: lazyRouteComponent(() => import('../pages/settings/Settings'), 'Settings'),
});

const tryIt = createRoute({
  getParentRoute: () => root,
  path: '/try',
  validateSearch: (s: Record<string, unknown>) => words(s, 'key', 'model', 'operation'),
  component: lazyRouteComponent(() => import('../pages/try/Try'), 'Try'),
});

/** Filters are text, and stand in the address as people write them: ?size=25, not ?size="25". */
function written(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query ? `?${query}` : '';
}

/** All pages of the console, below /ui. */
export const router = createRouter({
  parseSearch: (query) => Object.fromEntries(new URLSearchParams(query)),
  stringifySearch: written,
  routeTree: root.addChildren([overview, keys, key, limits, requests, usage, models, credentials, audit, settings, tryIt]),
  basepath: '/ui',
  defaultPreload: 'intent',
  defaultPendingComponent: PagePending,
  defaultErrorComponent: PageFailed,
  defaultNotFoundComponent: Missing,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
