import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    retry: 'src/retry/index.ts',
    idempotency: 'src/idempotency/index.ts',
    timeout: 'src/timeout/index.ts',
    'circuit-breaker': 'src/circuit-breaker/index.ts',
    'rate-limit': 'src/rate-limit/index.ts',
    'concurrency-limit': 'src/concurrency-limit/index.ts',
    compression: 'src/compression/index.ts',
    encryption: 'src/encryption/index.ts',
    'claim-check': 'src/claim-check/index.ts',
  },
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node22.12',
  dts: true,
  // Nothing that is not declared gets into the package.
  deps: { onlyBundle: [] },
  report: false,
})
