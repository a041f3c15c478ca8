import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

/** Searches by words, which go to the address once nobody types any more. */
export function Search({ q, label }: { q: string | undefined; label: string }) {
  const navigate = useNavigate({ from: '/models' });
  const [text, setText] = useState(q ?? '');
  const go = useDebouncedCallback((words: string) => void navigate({ search: (s) => ({ ...s, q: words.trim() || undefined }), replace: true, resetScroll: false }), 200);
  return (
    <TextInput
      aria-label={label} placeholder={label} w={{ base: '100%', xs: 320 }} leftSection={<IconSearch size={16} aria-hidden />} value={text}
      onChange={(e) => {
        setText(e.currentTarget.value);
        go(e.currentTarget.value);
      }}
    />
  );
}
