import { tmpdir } from 'node:os'
import { createContainer } from '../core/docker.ts'
import { containerInstance, processInstance } from '../core/instance.ts'
import type { Instance } from '../core/instance.ts'
import { startProcess } from '../core/owned-process.ts'
import { freePort } from '../core/ports.ts'
import { createScratch } from '../core/scratch.ts'
import type { RedisSource } from './sources.ts'

export interface Started {
  readonly port: number
  readonly instance: Instance
}

/** A Redis of our own with these settings, not yet started. */
export async function createInstance(source: Exclude<RedisSource, { how: 'environment' }>, settings: readonly string[]): Promise<Started> {
  const port = await freePort()
  if (source.how === 'docker') {
    const scratch = await createScratch(tmpdir(), 'redis')
    // The same port inside: nodes of a cluster tell it to clients.
    const command = ['redis-server', '--port', String(port), '--protected-mode', 'no', ...settings]
    const container = await createContainer(scratch, { image: source.image, ports: { [port]: port }, files: {}, command })
    return { port, instance: containerInstance(scratch, container) }
  }
  const { place, programs } = source
  const scratch = await createScratch(place.temporary, 'redis')
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', place.inside(scratch.path), ...settings]
  return { port, instance: processInstance('Redis', scratch, () => startProcess(programs.program, args, { name: 'redis', place, scratch, env: {} })) }
}
