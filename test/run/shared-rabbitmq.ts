import { isSkipped, startRabbitmq, versionsToExamine, type RabbitmqBed, type RabbitmqVersion } from '../brokers/index.ts'

const variables: Readonly<Record<RabbitmqVersion, string>> = { '3.10': 'BUSBAR_RABBITMQ_3', '4.0': 'BUSBAR_RABBITMQ_4' }
const started: RabbitmqBed[] = []

/**
 * Before the first test file: with `BUSBAR_SHARE_RABBITMQ=1`, one RabbitMQ of each version that is examined for all files that need none of their own, told to them as one of the
 * environment. Starting one costs some seconds of both cores. What cannot be had each file looks for again, and says so.
 */
export async function setup(): Promise<void> {
  if (process.env['BUSBAR_SHARE_RABBITMQ'] !== '1') return
  const versions = versionsToExamine.filter((version) => process.env[`${variables[version]}_URL`] === undefined)
  await Promise.all(versions.map(share))
}

export async function teardown(): Promise<void> {
  await Promise.all(started.map((bed) => bed[Symbol.asyncDispose]()))
}

async function share(version: RabbitmqVersion): Promise<void> {
  const bed = await startRabbitmq({ version, onProgress: (text) => console.log(text) })
  if (isSkipped(bed)) return
  started.push(bed)
  process.env[`${variables[version]}_URL`] = bed.url
  if (bed.managementUrl !== undefined) process.env[`${variables[version]}_MANAGEMENT_URL`] = bed.managementUrl
}
