import type { Part } from '../part.ts'

/** Parts of `npm run test:full` alone: each `full: true`, so that `npm test` leaves them out and `--only` can still select them. */
export const fullParts: readonly Part[] = []
