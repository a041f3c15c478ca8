import { Anchor, Button, type AnchorProps, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ReactNode, Ref } from 'react';

// Links within the console that look like Mantine's and whose address the compiler checks.

interface Linked {
  ref?: Ref<HTMLAnchorElement>;
  children?: ReactNode;
  title?: string;
  'aria-label'?: string;
}

function Text({ ref, ...props }: Omit<AnchorProps, 'href'> & Linked) {
  return <Anchor ref={ref} {...props} />;
}

function Pressed({ ref, ...props }: ButtonProps & Linked) {
  return <Button component="a" ref={ref} {...props} />;
}

/** A link in a text. */
export const TextLink = createLink(Text);

/** A link that looks like a button. */
export const ButtonLink = createLink(Pressed);
