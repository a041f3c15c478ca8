import { Autocomplete, Button, Group, NumberInput, Paper, Select, Stack, Switch, Textarea } from '@mantine/core';
import { IconPlayerStop, IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import { KeySelect } from '../../parts/keypick';
import { operations, type Operation } from './request';

/** What of the request does not stand in the address. */
export interface Draft {
  system: string;
  user: string;
  maxTokens: number | undefined;
  stream: boolean;
}

interface Props {
  search: { key?: string; model?: string };
  set: (change: { key?: string; model?: string; operation?: string }) => void;
  operation: Operation;
  draft: Draft;
  setDraft: (draft: Draft) => void;
  running: boolean;
  onSend: () => void;
  onCancel: () => void;
}

/** Who asks what of which model. Ctrl and Enter send it from anywhere in the form. */
export function PromptForm({ search, set, operation, draft, setDraft, running, onSend, onCancel }: Props) {
  const models = useQuery({ queryKey: ['models'], queryFn: ({ signal }) => ask(api.GET('/api/v1/models', { signal })) });
  // A pattern is no name: whoever wants one of its models types it.
  const names = (models.data?.models ?? []).map((m) => m.name).filter((name) => !name.includes('*'));
  const patterns = (models.data?.models ?? []).map((m) => m.name).filter((name) => name.includes('*'));
  const words = operation !== 'embeddings';
  const ready = Boolean(search.key && search.model?.trim() && draft.user.trim());
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  return (
    <Paper withBorder p="md" component="form"
      onSubmit={(e: React.FormEvent) => {
        e.preventDefault();
        if (ready && !running) {
          onSend();
        }
      }}
      onKeyDown={(e: React.KeyboardEvent) => {
        if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && ready && !running) {
          e.preventDefault();
          onSend();
        }
      }}
    >
      <Stack gap="sm">
        <KeySelect value={search.key} onChange={(key) => set({ key })} placeholder="Whose limits and models hold" required />
        <Autocomplete label="Model" required data={names} value={search.model ?? ''} onChange={(model) => set({ model: model || undefined })} placeholder={names[0]}
          description={patterns.length > 0 ? `or any of ${patterns.join(', ')}` : undefined} inputWrapperOrder={['label', 'input', 'description', 'error']} />
        <Select label="Operation" data={operations} value={operation} allowDeselect={false} onChange={(v) => set({ operation: v ?? undefined })} />
        {words && <Textarea label="System prompt" value={draft.system} onChange={(e) => change({ system: e.currentTarget.value })} autosize minRows={1} maxRows={6} />}
        <Textarea label={words ? 'Prompt' : 'Text'} required value={draft.user} onChange={(e) => change({ user: e.currentTarget.value })} autosize minRows={3} maxRows={14} />
        {words && (
          <Group align="flex-end" justify="space-between">
            <NumberInput label="Max output tokens" w={180} min={1} allowDecimal={false} allowNegative={false} thousandSeparator="," placeholder="not said" value={draft.maxTokens ?? ''}
              onChange={(v) => change({ maxTokens: Number(v) || undefined })} />
            <Switch label="Stream" checked={draft.stream} onChange={(e) => change({ stream: e.currentTarget.checked })} mb={8} />
          </Group>
        )}
        <Group gap="xs" grow preventGrowOverflow={false}>
          <Button type="submit" disabled={!ready} loading={running} leftSection={<IconSend size={16} aria-hidden />}>Send</Button>
          {running && <Button variant="default" onClick={onCancel} leftSection={<IconPlayerStop size={16} aria-hidden />}>Cancel</Button>}
        </Group>
      </Stack>
    </Paper>
  );
}
