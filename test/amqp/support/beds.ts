import { afterAll, describe } from 'vitest'
import { everyVersion, skipOrFail, startRabbitmq, versionsToExamine } from '../../brokers/index.ts'
import type { RabbitmqBed, RabbitmqOptions, RabbitmqVersion, Skipped } from '../../brokers/index.ts'

export interface EachOptions extends Omit<RabbitmqOptions, 'version'> {
  /** `full`: cases in which versions do not differ run on the older one in `npm run test:full` alone. Default: on all. */
  readonly older?: 'full'
}

/** Runs the same cases on every version that can be had; each case makes its own vhost. */
export async function onEachRabbitmq({ older, ...options }: EachOptions, cases: (bed: RabbitmqBed, version: RabbitmqVersion) => void): Promise<void> {
  const onProgress = (text: string): void => console.log(text)
  const versions = older === 'full' ? versionsToExamine : everyVersion
  const beds = await Promise.all(versions.map((version) => startRabbitmq({ ...options, version, onProgress })))
  for (const [index, version] of versions.entries()) {
    const bed = skipOrFail(beds[index] as RabbitmqBed | Skipped)
    describe.skipIf(bed === undefined)(`RabbitMQ ${version}`, { timeout: 60_000 }, () => {
      if (bed === undefined) return
      afterAll(() => bed[Symbol.asyncDispose](), 30_000)
      cases(bed, version)
    })
  }
}

let vhosts = 0

/** An empty vhost for one case. */
export function freshVhost(bed: RabbitmqBed): Promise<string> {
  return bed.createVhost(`case-${process.pid}-${vhosts++}`)
}
