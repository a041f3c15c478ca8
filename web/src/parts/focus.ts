import { useEffect, useState } from 'react';

/**
 * Gives the focus back to where it was when a dialog came, once the dialog goes. Dialogs that
 * are there only while they are open need it: what is gone cannot give anything back itself. So
 * do those whose first field takes the focus at once: Mantine looks for the opener after that.
 */
export function useReturnFocus() {
  const [from] = useState(opener);
  useEffect(() => () => {
    // What closes the dialog may have found a better place by then, such as another dialog.
    setTimeout(() => {
      if (document.activeElement === document.body && from?.isConnected) {
        from.focus({ preventScroll: true });
      }
    }, 20);
  }, [from]);
}

/** useReturnFocus for the inside of a dialog that is always there. */
export function ReturnFocus() {
  useReturnFocus();
  return null;
}

/** What has the focus; an item of a menu goes with its menu, so what opened that stands for it. */
function opener(): HTMLElement | undefined {
  const on = document.activeElement;
  const menu = on?.closest('[role=menu]');
  const from = menu ? document.querySelector(`[aria-controls="${menu.id}"]`) : on;
  return from instanceof HTMLElement && from !== document.body ? from : undefined;
}
