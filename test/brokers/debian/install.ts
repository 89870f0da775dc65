import { rm, writeFile } from 'node:fs/promises'
import { run } from '../core/run.ts'
import { hostSuite } from './host.ts'

// Asked by every package before it starts its service; 101 = forbidden.
const policy = '/usr/sbin/policy-rc.d'

/**
 * Installs packages system-wide, without starting their services. Only with the permission of
 * `BUSBAR_INSTALL_BROKERS=1`. `undefined` when done, else the reason why not.
 */
export async function install(suite: string, packages: readonly string[]): Promise<string | undefined> {
  if (process.env['BUSBAR_INSTALL_BROKERS'] !== '1') return 'BUSBAR_INSTALL_BROKERS=1 is not set'
  if (process.getuid?.() !== 0) return 'only root can install packages'
  if ((await hostSuite()) !== suite) return `it belongs to Debian ${suite}, which this machine does not run`
  const ours = await forbidServices()
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const options = { env, timeoutMs: 600_000 }
    await run('apt-get', ['-qq', 'update'], options)
    const args = ['-qq', '--yes', '--no-install-recommends', 'install', ...packages]
    const { ok, problem } = await run('apt-get', args, options)
    return ok ? undefined : problem
  } finally {
    if (ours) await rm(policy, { force: true })
  }
}

async function forbidServices(): Promise<boolean> {
  try {
    await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
    return true
  } catch {
    // The machine has a policy of its own, as every container image of Debian does.
    return false
  }
}
