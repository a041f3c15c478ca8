/** Cuts a text at what is searched for: every second part is a hit. */
export function parts(text: string, searched: string): string[] {
  const wanted = searched.trim().toLowerCase();
  if (wanted === '') {
    return [text];
  }
  const lower = text.toLowerCase();
  const found: string[] = [];
  let from = 0;
  // A text that changes its length in small letters would be cut at the wrong places.
  for (let at = lower.length === text.length ? lower.indexOf(wanted) : -1; at >= 0; at = lower.indexOf(wanted, from)) {
    found.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...found, text.slice(from)];
}
