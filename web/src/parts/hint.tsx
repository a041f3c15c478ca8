import { Tooltip, type TooltipProps } from '@mantine/core';
import { cloneElement, useState, type MouseEvent, type ReactElement } from 'react';

interface Props extends Pick<TooltipProps, 'label' | 'multiline' | 'maw'> {
  children: ReactElement<{ onMouseEnter?: (e: MouseEvent<HTMLElement>) => void; onMouseLeave?: () => void }>;
}

/**
 * A tooltip that is made when the pointer comes. A table has hundreds of them, of which one is
 * looked at, and made beforehand they take longer than all the rest of the table.
 */
export function Hint({ label, children, ...look }: Props) {
  const [on, setOn] = useState<HTMLElement | null>(null);
  return (
    <>
      {cloneElement(children, { onMouseEnter: (e) => setOn(e.currentTarget), onMouseLeave: () => setOn(null) })}
      {on && <Tooltip label={label} target={on} opened {...look} />}
    </>
  );
}
