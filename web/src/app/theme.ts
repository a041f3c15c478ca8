import { createTheme, type MantineColorsTuple } from '@mantine/core';

// One accent, a deep teal; everything else is grey, so that what needs attention stands out.
const toll: MantineColorsTuple = [
  '#effcf9', '#d3f5ee', '#a6eadd', '#6fd9c8', '#3fc1af', '#1fa594', '#12857a', '#0f6b63', '#0d554f', '#0a3f3b',
];

// The red of the library is too light to carry white letters.
const red: MantineColorsTuple = [
  '#fff5f5', '#ffe3e3', '#ffc9c9', '#ffa8a8', '#ff8787', '#f55', '#d92c2c', '#c92a2a', '#b32424', '#991e1e',
];

/** The look of the console. Text and controls keep the contrast of WCAG AA in both schemes. */
export const theme = createTheme({
  primaryColor: 'toll',
  primaryShade: { light: 7, dark: 6 },
  colors: { toll, red },
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.15rem' }, h3: { fontSize: '1rem' } } },
  cursorType: 'pointer',
  components: {
    Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } }, styles: { title: { fontWeight: 600 } } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } }, styles: { title: { fontWeight: 600 } } },
    // The tint of an alert carries its meaning with its sign; coloured titles on it are too faint to read.
    Alert: { styles: { title: { color: 'var(--mantine-color-text)' } } },
  },
});
