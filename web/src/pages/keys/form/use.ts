import { useForm, type UseFormReturnType } from '@mantine/form';
import { useCallback } from 'react';
import { ApiError } from '../../../api/client';
import { checkTyped } from '../../../parts/form';
import { checks, placeErrors } from './checks';
import type { KeyValues } from './values';

export type KeyFormState = UseFormReturnType<KeyValues>;

/** The state of a form of a key: what a new one begins with is emptyValues, that of a key valuesOf. */
export function useKeyForm(initial: KeyValues): KeyFormState {
  return useForm<KeyValues>({ mode: 'controlled', initialValues: initial, validate: (values) => checks(values), enhanceGetInputProps: checkTyped });
}

/**
 * Puts what the API refused at the fields that it is about. Gives back what has no field in
 * the form, to be shown beside it.
 */
export function usePlaced(form: KeyFormState): (why: unknown) => unknown {
  const { setErrors, getValues } = form;
  return useCallback(
    (why) => {
      if (!(why instanceof ApiError) || Object.keys(why.fields).length === 0) {
        return why;
      }
      const { placed, rest } = placeErrors(getValues(), why.fields);
      setErrors(placed);
      if (Object.keys(rest).length === 0) {
        return undefined;
      }
      return new ApiError(why.status, { ...why.problem, errors: (why.problem.errors ?? []).filter((e) => e.path in rest) });
    },
    [setErrors, getValues],
  );
}
