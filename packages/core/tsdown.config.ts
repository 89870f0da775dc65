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
  // What createBroker reaches without import() in one file, which the parts loaded on demand share: each file more takes time to import.
  outputOptions: { codeSplitting: { groups: [{ name: 'broker', test: /src[\\/]broker[\\/]create-broker\.ts$/ }] } },
  report: false,
})
