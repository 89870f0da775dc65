import { defineConfig } from 'vitest/config'
import { LongestFirst } from './run/longest-first.ts'

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  resolve: { conditions: ['busbar-source'] },
  ssr: { resolve: { conditions: ['busbar-source', 'node'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/run/shared-rabbitmq.ts'],
    testTimeout: 20_000,
    // Collecting what has just been made takes a twentieth of the time with V8's own size.
    execArgv: ['--max-semi-space-size=64'],
    sequence: { sequencer: LongestFirst },
    reporters: ['default'],
  },
})
