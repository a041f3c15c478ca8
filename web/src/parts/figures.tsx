import { Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { exact, money } from '../format/money';
import { absolute, ago } from '../format/time';
import { Hint } from './hint';

/** An amount of money, with every digit of it on hover. */
export function Money({ usd }: { usd: string | undefined | null }) {
  const short = money(usd);
  const all = exact(usd);
  return short === all ? <span className="number">{short}</span> : (
    <Hint label={all}>
      <span className="number">{short}</span>
    </Hint>
  );
}

/** A moment as people say it, with the exact one on hover; says so when there is none. */
export function When({ at, none = 'never' }: { at: string | undefined | null; none?: string }) {
  useTick(30_000);
  if (!at) {
    return <Text span inherit c="dimmed">{none}</Text>;
  }
  return (
    <Hint label={absolute(at)}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>{ago(at)}</time>
    </Hint>
  );
}

/** Shows a component anew every so many milliseconds, since time goes on by itself. */
export function useTick(every: number) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every]);
}
