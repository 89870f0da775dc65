import type { Part } from '../part.ts'
import { docsParts } from './docs.ts'
import { fullParts } from './full.ts'
import { limitsPart, packagingParts } from './packaging.ts'
import { staticParts } from './static.ts'
import { testParts } from './tests.ts'

/** The certificate, in the order in which it runs: what fails fast comes first. */
export const allParts: readonly Part[] = [...staticParts, ...docsParts, ...packagingParts, limitsPart, ...testParts, ...fullParts]
