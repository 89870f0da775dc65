import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp } from 'fauxqs'
import type { ServerUsage } from './server-process.ts'
import type { Ready } from './sqs-server.ts'

const latencyMs = Number(process.argv[2])
let calls = 0
const app = buildApp({ logger: false })
app.addHook('onRequest', async () => {
  calls++
  if (latencyMs > 0) await sleep(latencyMs)
})
const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
const ready: Ready = { access: { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }, version: '2.4.1' }
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const usage: ServerUsage = { calls, cpuMicros: user + system }
  process.send?.(usage)
})
process.once('disconnect', () => process.exit(0))
process.send?.(ready)
