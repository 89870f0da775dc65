// Loaded before the emulator, whose wall clock is the time at which the process began plus what has passed since.
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

const began = performance.timeOrigin
Object.defineProperty(performance, 'timeOrigin', { get: () => began + Number(readFileSync(process.env.KINESIS_CLOCK_SHIFT, 'utf8')) })
