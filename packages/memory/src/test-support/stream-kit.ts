import type { Endpoint, StartFrom } from '@busbar/core/driver'
import type { Stream } from '../stream/stream.ts'
import { kit, type Kit } from './kit.ts'

/** The stream that tests send to and read from. */
export const positions: Partial<Endpoint> = { kind: 'stream', name: 'positions', destination: 'positions' }

export interface StreamKit extends Kit {
  readonly stream: Stream
  readonly to: Endpoint
  readonly from: (name: string, startFrom?: StartFrom) => Endpoint
}

export async function streamKit(options: Parameters<typeof kit>[0] = {}, route: Endpoint['options'] = {}): Promise<StreamKit> {
  const tools = await kit({ profile: 'kinesis', ...options })
  const to = tools.endpoint({ ...positions, options: route })
  await tools.link.inspect(to)
  const stream = tools.driver.stream('positions')
  if (stream === undefined) throw new Error('no stream')
  return { ...tools, stream, to, from: (name, startFrom = 'earliest') => tools.endpoint({ ...positions, options: route, subscription: { name, startFrom } }) }
}

/** Messages whose keys are the first letters of their ids. */
export const keyed = (...ids: string[]): { readonly id: string; readonly key: string }[] => ids.map((id) => ({ id, key: id.slice(0, 1) }))
