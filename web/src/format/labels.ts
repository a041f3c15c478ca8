export type LabelSet = Record<string, string>;

const nameShape = /^[A-Za-z0-9_.-]{1,63}$/;

/** A label as it is written: team=payments. */
export function labelText(name: string, value: string): string {
  return `${name}=${value}`;
}

/** Reads NAME=VALUE, or says what is wrong with it. */
export function parseLabel(text: string): { name: string; value: string } | { wrong: string } {
  const at = text.indexOf('=');
  if (at < 0) {
    return { wrong: `Write ${text.trim() || 'team'}=VALUE` };
  }
  const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (!nameShape.test(name)) {
    return { wrong: 'The name of a label is 1 to 63 letters, digits, dots, dashes and underscores' };
  }
  return [...value].length > 256 ? { wrong: 'The value of a label has at most 256 characters' } : { name, value };
}

/** Labels as the address of a page has them: NAME=VALUE with commas between. */
export function labelsText(labels: LabelSet): string | undefined {
  const escaped = (value: string) => value.replaceAll('%', '%25').replaceAll(',', '%2C');
  return Object.entries(labels).map(([name, value]) => labelText(name, escaped(value))).join(',') || undefined;
}

/** Reads labels from an address; what is no label there is left out. */
export function labelsOf(text: string | undefined): LabelSet {
  const labels: LabelSet = {};
  for (const part of (text ?? '').split(',')) {
    const label = parseLabel(part);
    if ('name' in label) {
      labels[label.name] = label.value.replaceAll(/%2C/gi, ',').replaceAll('%25', '%');
    }
  }
  return labels;
}
