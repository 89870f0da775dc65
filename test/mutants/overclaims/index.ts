import type { Capabilities } from '@busbar/core/driver'
import type { Mutant } from '../mutant.ts'
import { receivingClaims } from './of-receiving.ts'
import { sendingClaims } from './of-sending.ts'
import type { FalseClaims } from './overclaim.ts'

/** Every capability, and how a driver could claim it without having it. A new capability does not compile until it is here. */
export const falseClaims: Readonly<Record<keyof Capabilities, FalseClaims>> = { ...receivingClaims, ...sendingClaims }

export const overclaims: readonly Mutant[] = Object.values(falseClaims).flatMap(({ mutants }) => mutants)
