import react from '@vitejs/plugin-react';
import type { ProxyOptions } from 'vite';
import { defineConfig } from 'vitest/config';

// A tollgate answers no pages of other sites, and to it the development server is one.
const beside: ProxyOptions = {
  target: process.env.ADMIN_URL ?? 'http://localhost:15000',
  configure: (proxy) => proxy.on('proxyReq', (request) => request.removeHeader('origin')),
};

// The build goes where the Go program embeds it. While developing, `npm run dev` serves the
// console itself and hands the API on to a tollgate that runs beside it.
export default defineConfig({
  base: '/ui/',
  plugins: [react()],
  build: {
    outDir: '../internal/console/dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // data: addresses would need a wider policy
    chunkSizeWarningLimit: 600,
    license: { fileName: 'licenses.md' },
  },
  server: { proxy: { '/api': beside, '/config_dump': beside } },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
});
