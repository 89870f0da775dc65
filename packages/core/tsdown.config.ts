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
  outputOptions: {
    codeSplitting: {
      groups: [
        {
          name: 'broker',
          test: /src[\\/](broker[\\/]create-broker|consumer[\\/]fingerprint|address[\\/]address-template|filter[\\/]validate-filter|outcome)\.ts$/,
        },
      ],
    },
    // Without hashes, which bundles that split where core does would carry along; the types in common have the name of an entry.
    chunkFileNames: ({ name }) => (name.startsWith('index') ? '[name]-[hash].js' : '[name].js'),
  },
  report: false,
})
