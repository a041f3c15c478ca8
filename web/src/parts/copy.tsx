import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { copyText } from './clipboard';

/** Copies a text; says so for a moment. Without a name on it, it is an icon. */
export function Copy({ text, label, children, onCopied, variant = 'default', autoFocus = false }: {
  text: string;
  /** What is copied, for whoever does not see the icon. */
  label: string;
  children?: string;
  onCopied?: () => void;
  variant?: string;
  /** Where what was done before leads to copying. */
  autoFocus?: boolean;
}) {
  const [done, setDone] = useState<boolean>();
  const copy = async () => {
    const worked = await copyText(text);
    setDone(worked);
    setTimeout(() => setDone(undefined), 2000);
    if (worked) {
      onCopied?.();
    }
  };
  const icon = done ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />;
  const said = done === undefined ? label : done ? 'Copied' : 'The browser does not let pages copy: select the text and press Ctrl+C';
  return (
    <Tooltip label={said} opened={done === undefined ? undefined : true}>
      {children ? (
        <Button variant={variant} leftSection={icon} onClick={() => void copy()} aria-label={label} autoFocus={autoFocus}>{children}</Button>
      ) : (
        <ActionIcon variant={variant} size="lg" onClick={() => void copy()} aria-label={label} autoFocus={autoFocus}>{icon}</ActionIcon>
      )}
    </Tooltip>
  );
}
