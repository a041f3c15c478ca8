import type { Schemas } from '../../api/client';

export type Provider = Schemas['Provider'];
export type Target = Schemas['ProviderTarget'];

/** How many targets of a provider are shown before somebody asks for all of them. */
const first = 12;

/** The targets that are shown at once: the first of them, and whatever is in trouble. */
export function glance(targets: Target[]): Target[] {
  return targets.filter((t, i) => i < first || t.state === 'resting' || t.state === 'failing');
}

/** How a provider is as a whole, in a few words; nothing where all is well or nothing is known. */
export function trouble(targets: Target[]): { text: string; allRest: boolean } | undefined {
  const share = (state: Target['state'], one: string, some: string) => {
    const n = targets.filter((t) => t.state === state).length;
    if (n === 0) {
      return [];
    }
    return [n < targets.length ? `${n} of ${targets.length} ${some}` : n === 1 ? `its only target ${one}` : `all ${n} targets ${some}`];
  };
  const parts = [...share('resting', 'rests', 'rest'), ...share('failing', 'fails', 'fail')];
  return parts.length > 0 ? { text: parts.join(', '), allRest: targets.every((t) => t.state === 'resting') } : undefined;
}
