import { TextInput } from '@mantine/core';
import { IconHash } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';

/** Opens the request whose id is pasted or typed: the x-request-id of an answer. */
export function Search({ open }: { open: (id: string) => void }) {
  const [text, setText] = useState('');
  const go = (e: FormEvent) => {
    e.preventDefault();
    if (text.trim() !== '') {
      open(text.trim());
      setText('');
    }
  };
  return (
    <form onSubmit={go} role="search">
      <TextInput
        w={{ base: '100%', xs: 300 }} leftSection={<IconHash size={16} aria-hidden />} placeholder="Request id" aria-label="Request id"
        title="The x-request-id of an answer; Enter opens it" value={text} onChange={(e) => setText(e.currentTarget.value)}
        onPaste={(e) => {
          const pasted = e.clipboardData.getData('text').trim();
          if (/^\S{8,128}$/.test(pasted)) {
            e.preventDefault();
            open(pasted);
          }
        }}
      />
    </form>
  );
}
