import { everyBed } from '../every-bed.ts'
import type { RabbitmqVersion } from './sources.ts'

/** All that are supported, oldest first. */
export const everyVersion: readonly RabbitmqVersion[] = ['3.10', '4.0']

/** The newest in `npm test`, which examines every driver once, and all in `npm run test:full`. */
export const versionsToExamine: readonly RabbitmqVersion[] = everyBed ? everyVersion : everyVersion.slice(-1)
