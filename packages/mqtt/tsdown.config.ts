import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node22.12',
  dts: true,
  // Nothing that is not declared gets into the package.
  deps: { onlyBundle: [] },
  report: false,
})
