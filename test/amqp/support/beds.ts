import { afterAll, describe } from 'vitest'
import { skipOrFail, startRabbitmq, versionsToExamine } from '../../brokers/index.ts'
import type { RabbitmqBed, RabbitmqOptions, RabbitmqVersion, Skipped } from '../../brokers/index.ts'

/** Runs the same cases on every version that is to be examined and can be had; each case makes its own vhost. */
export async function onEachRabbitmq(options: Omit<RabbitmqOptions, 'version'>, cases: (bed: RabbitmqBed, version: RabbitmqVersion) => void): Promise<void> {
  const onProgress = (text: string): void => console.log(text)
  const beds = await Promise.all(versionsToExamine.map((version) => startRabbitmq({ ...options, version, onProgress })))
  for (const [index, version] of versionsToExamine.entries()) {
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
