import type { UseFormInput } from '@mantine/form';

type Enhance<V> = NonNullable<UseFormInput<V>['enhanceGetInputProps']>;

/**
 * Has a field checked when it is left, if something was typed. Whoever only passes through an
 * empty one is not scolded, and what was about to be clicked does not move away.
 */
export function checkTyped<V>(...[{ form, field }]: Parameters<Enhance<V>>): ReturnType<Enhance<V>> {
  return {
    onBlur: () => {
      if (form.isDirty(field)) {
        form.validateField(field);
      }
    },
  };
}
