import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContainer } from '../core/docker.ts'
import { containerInstance, processInstance } from '../core/instance.ts'
import type { Instance } from '../core/instance.ts'
import { startProcess } from '../core/owned-process.ts'
import { freePort } from '../core/ports.ts'
import { createScratch } from '../core/scratch.ts'
import { brokerXml, loggingFiles } from './settings.ts'
import type { ActivemqSettings } from './settings.ts'
import type { ActivemqSource } from './sources.ts'

export interface Started {
  readonly port: number
  readonly instance: Instance
}

/** An ActiveMQ of our own with these settings, not yet started. */
export async function createInstance(source: Exclude<ActivemqSource, { how: 'environment' }>, settings: ActivemqSettings): Promise<Started> {
  const port = await freePort()
  return { port, instance: await (source.how === 'docker' ? inContainer(source.image, port, settings) : asProcess(source, port, settings)) }
}

async function asProcess(
  { place, programs }: Extract<ActivemqSource, { how: 'path' | 'unpacked' | 'installed' }>,
  port: number,
  settings: ActivemqSettings,
): Promise<Instance> {
  const scratch = await createScratch(place.temporary, 'activemq')
  const seen = place.inside(scratch.path)
  const files = { 'activemq.xml': brokerXml(settings, port, '127.0.0.1', `${seen}/data`), ...loggingFiles }
  for (const folder of ['conf', 'lib', 'tmp']) await mkdir(join(scratch.path, folder))
  for (const [name, text] of Object.entries(files)) await writeFile(join(scratch.path, 'conf', name), text)
  if (programs.library !== undefined) await symlink(programs.library, join(scratch.path, 'lib', 'mqtt-client.jar'))
  const properties = {
    'activemq.home': programs.home,
    'activemq.base': seen,
    'activemq.data': `${seen}/data`,
    'activemq.conf': `${seen}/conf`,
    'log4j.configuration': `file:${seen}/conf/log4j.properties`,
    'log4j2.configurationFile': `file:${seen}/conf/log4j2.properties`,
    'java.io.tmpdir': `${seen}/tmp`,
  }
  // It starts faster, and leaves the machine to who is tested.
  const machine = ['-Xmx512M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const launcher = ['-jar', `${programs.home}/bin/activemq.jar`, 'start', `xbean:file:${seen}/conf/activemq.xml`]
  const args = [...machine, ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`), ...launcher]
  return processInstance('ActiveMQ', scratch, () => startProcess(programs.java, args, { name: 'activemq', place, scratch, env: {} }))
}

async function inContainer(image: string, port: number, settings: ActivemqSettings): Promise<Instance> {
  const scratch = await createScratch(tmpdir(), 'activemq')
  const file = join(scratch.path, 'activemq.xml')
  await writeFile(file, brokerXml(settings, 1883, '0.0.0.0', '/opt/apache-activemq/data'))
  // The server in the container runs as another user.
  await chmod(scratch.path, 0o755)
  const container = await createContainer(scratch, { image, ports: { [port]: 1883 }, files: { [file]: '/opt/apache-activemq/conf/activemq.xml' } })
  return containerInstance(scratch, container)
}
