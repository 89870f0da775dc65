import { defineConfig } from 'tsdown'

const shared = [
  ...['churning-map', 'deadline-queue', 'errors', 'fifo', 'headers', 'ids', 'json-view', 'nearest', 'outcome', 'promised', 'sleep', 'validate', 'waiting'],
  ...['codec/body', 'codec/json', 'middleware/types', 'producer/encoder'],
]

export default defineConfig({
  entry: { index: 'src/index.ts', driver: 'src/driver/index.ts' },
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node22.12',
  dts: true,
  // Nothing that is not declared gets into the package.
  deps: { onlyBundle: [] },
  // What the parts loaded on demand share with the rest, in one file: each file more takes time to import.
  outputOptions: { codeSplitting: { groups: [{ name: 'base', test: new RegExp(`src/(${shared.join('|')})[.]ts$`) }] } },
  report: false,
})
