import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContainer } from '../core/docker.ts'
import { containerInstance, processInstance } from '../core/instance.ts'
import type { Instance } from '../core/instance.ts'
import { startProcess } from '../core/owned-process.ts'
import { freePort } from '../core/ports.ts'
import { createScratch } from '../core/scratch.ts'
import { filesOf } from './settings.ts'
import type { MosquittoSettings } from './settings.ts'
import type { MosquittoSource } from './sources.ts'

export interface Started {
  readonly ports: { readonly plain: number; readonly webSocket: number; readonly tls: number }
  readonly instance: Instance
}

/** A mosquitto of our own with these settings, not yet started. */
export async function createInstance(source: Exclude<MosquittoSource, { how: 'environment' }>, settings: MosquittoSettings): Promise<Started> {
  const ports = { plain: await freePort(), webSocket: await freePort(), tls: await freePort() }
  return { ports, instance: await (source.how === 'docker' ? inContainer(source.image, ports, settings) : asProcess(source, ports, settings)) }
}

async function asProcess(
  { place, programs }: Extract<MosquittoSource, { how: 'path' | 'unpacked' | 'installed' }>,
  ports: Started['ports'],
  settings: MosquittoSettings,
): Promise<Instance> {
  const scratch = await createScratch(place.temporary, 'mosquitto')
  const seen = place.inside(scratch.path)
  // Started by root it would become a user that cannot write here, and go on without its snapshots.
  const user: Record<string, string> = process.getuid?.() === 0 ? { user: 'root' } : {}
  const files = filesOf(settings, { ...ports, address: '127.0.0.1' }, { settings: seen, data: seen }, user)
  for (const [name, text] of Object.entries(files)) await writeFile(join(scratch.path, name), text)
  const args = ['-c', `${seen}/mosquitto.conf`]
  return processInstance('mosquitto', scratch, () => startProcess(programs.program, args, { name: 'mosquitto', place, scratch, env: {} }))
}

async function inContainer(image: string, ports: Started['ports'], settings: MosquittoSettings): Promise<Instance> {
  const scratch = await createScratch(tmpdir(), 'mosquitto')
  const folder = join(scratch.path, 'config')
  const listeners = { plain: 1883, webSocket: 9001, tls: 8883, address: '0.0.0.0' }
  const files = filesOf(settings, listeners, { settings: '/mosquitto/config', data: '/mosquitto/data' }, {})
  await mkdir(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  // The server in the container runs as another user.
  await chmod(scratch.path, 0o755)
  const container = await createContainer(scratch, {
    image,
    ports: { [ports.plain]: listeners.plain, [ports.webSocket]: listeners.webSocket, [ports.tls]: listeners.tls },
    files: { [folder]: '/mosquitto/config' },
  })
  return containerInstance(scratch, container)
}
