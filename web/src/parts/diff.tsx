import { Text, VisuallyHidden } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import type { Schemas } from '../api/client';
import { changes, type Change } from '../format/changes';
import classes from './diff.module.css';

/** What an event changed, field by field: how it was and how it is since. */
export function FieldDiff({ diff }: { diff: Schemas['EventField'][] | null | undefined }) {
  const all = changes(diff);
  if (all.length === 0) {
    return <Text size="sm" c="dimmed">No field changed.</Text>;
  }
  return (
    <dl className={classes.diff}>
      {all.map((change) => <Line key={change.path} change={change} />)}
    </dl>
  );
}

function Line({ change: { path, name, before, after } }: { change: Change }) {
  return (
    <div className={classes.line}>
      <dt className={classes.name} title={path}>{name}</dt>
      <dd className={classes.values}>
        {before && <Side values={before} className={classes.before} says={after ? 'was' : 'taken away'} />}
        {before && after && <IconArrowRight size={14} aria-hidden className={classes.arrow} />}
        {after && <Side values={after} className={classes.after} says={before ? 'is now' : 'added'} />}
      </dd>
    </div>
  );
}

function Side({ values, className, says }: { values: string[]; className: string | undefined; says: string }) {
  return (
    <span className={classes.side}>
      <VisuallyHidden>{says} </VisuallyHidden>
      {values.map((value, i) => <span key={i} className={`${classes.value} ${className}`}>{value}</span>)}
    </span>
  );
}
