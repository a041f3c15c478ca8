/** How an exchange ended, as the API names it, and what that means. */
export const outcomes = ['served', 'refused', 'failed', 'cut', 'answered', 'aborted'] as const;

const meanings: Record<string, string> = {
  served: 'The provider answered.',
  refused: 'tollgate let it not pass.',
  failed: 'The provider could not be reached, or answered with an error.',
  cut: 'The caller left before the answer had ended.',
  answered: 'tollgate answered itself.',
  aborted: 'tollgate gave it up: its log has more.',
};

export function meaning(outcome: string): string {
  return meanings[outcome] ?? outcome;
}

/** A code such as budget_exceeded, for people. */
export function codeWords(code: string): string {
  return code.replaceAll('_', ' ');
}

/** What there is to say about an outcome in two or three words. */
export function outcomeWords(outcome: string, code: string | undefined): string {
  return code && outcome !== 'served' ? `${outcome}, ${codeWords(code)}` : outcome;
}

/** The colour of an outcome; only what needs attention has one. */
export function outcomeColour(outcome: string): string {
  switch (outcome) {
    case 'served':
    case 'answered':
      return 'toll';
    case 'refused':
      return 'orange';
    case 'failed':
    case 'aborted':
      return 'red';
    default:
      return 'gray';
  }
}
