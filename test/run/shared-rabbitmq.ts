import { isSkipped, startRabbitmq, type RabbitmqVersion } from '../brokers/index.ts'

const variables: Readonly<Record<RabbitmqVersion, string>> = { '3.10': 'BUSBAR_RABBITMQ_3', '4.0': 'BUSBAR_RABBITMQ_4' }

/**
 * Before the first test file: with `BUSBAR_SHARE_RABBITMQ=1`, one RabbitMQ of each version for all files that need none of their own, told to them as one of the
 * environment. Starting one costs some seconds of both cores. What cannot be had each file looks for again, and says so.
 */
export default async function share(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['BUSBAR_SHARE_RABBITMQ'] !== '1') return undefined
  const versions = (['3.10', '4.0'] as const).filter((version) => process.env[`${variables[version]}_URL`] === undefined)
  const beds = await Promise.all(versions.map((version) => startRabbitmq({ version, onProgress: (text) => console.log(text) })))
  for (const [index, version] of versions.entries()) {
    const bed = beds[index]
    if (bed === undefined || isSkipped(bed)) continue
    process.env[`${variables[version]}_URL`] = bed.url
    if (bed.managementUrl !== undefined) process.env[`${variables[version]}_MANAGEMENT_URL`] = bed.managementUrl
  }
  return async () => {
    for (const bed of beds) if (!isSkipped(bed)) await bed[Symbol.asyncDispose]()
  }
}
