/**
 * The console's tokens: colours, sizes and type. Components take them from here and restyle
 * nothing.
 */
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const steel: MantineColorsTuple = [
  '#eef4fb',
  '#dce6f2',
  '#b6cbe4',
  '#8daed7',
  '#6a96cb',
  '#5486c4',
  '#477ec2',
  '#386cab',
  '#2d609a',
  '#1c5289',
];

/** Cooler and a little deeper than Mantine's own, so that the status colours stay calm on it. */
const slate: MantineColorsTuple = [
  '#d5dae1',
  '#b3bac5',
  '#98a1ae',
  '#6d7785',
  '#48515e',
  '#323a46',
  '#272e38',
  '#1c222b',
  '#151a21',
  '#0f1319',
];

export const theme = createTheme({
  primaryColor: 'steel',
  primaryShade: { light: 8, dark: 6 },
  colors: { steel, dark: slate },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Open Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
});
