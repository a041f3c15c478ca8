/** What each role may do, as docs/api.md has it. */
export const roles = [
  { id: 'owner', about: 'everything' },
  { id: 'admin', about: 'everything but admin tokens' },
  { id: 'auditor', about: 'reads everything, changes nothing' },
  { id: 'viewer', about: 'reads keys, limits, usage and prices' },
] as const;

export type Role = (typeof roles)[number]['id'];

export const rights: { what: string; may: Record<Role, string> }[] = [
  { what: 'Keys, limits, prices', may: { owner: 'all', admin: 'all', auditor: 'read', viewer: 'read' } },
  { what: 'Usage, models, overview, health', may: { owner: 'read', admin: 'read', auditor: 'read', viewer: 'read' } },
  { what: 'Credentials (never their values), health of providers', may: { owner: 'all', admin: 'all', auditor: 'read', viewer: '–' } },
  { what: 'Requests, audit', may: { owner: 'read', admin: 'read', auditor: 'read', viewer: '–' } },
  { what: 'Admin tokens', may: { owner: 'all', admin: '–', auditor: 'read', viewer: '–' } },
  { what: 'Configuration in force', may: { owner: 'read', admin: 'read', auditor: 'read', viewer: '–' } },
  { what: 'Backups', may: { owner: 'yes', admin: 'yes', auditor: '–', viewer: '–' } },
];
