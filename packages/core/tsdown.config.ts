import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: { index: 'src/index.ts', driver: 'src/driver/index.ts' },
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node22.12',
  dts: true,
  // Nothing that is not declared gets into the package.
  deps: { onlyBundle: [] },
  // What nearly every module imports: in a chunk with something else, that would come along.
  outputOptions: { codeSplitting: { groups: [{ name: 'base', test: /src[\\/](errors|nearest|churning-map|codec[\\/]body)\.ts$/ }] } },
  report: false,
})
