import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../../amqp/support/intake.ts'
import { messageOf, never, sendSurely } from '../../amqp/support/link.ts'
import { messages } from '../../amqp/support/sending.ts'
import { accessTo, freshTopic } from './access.ts'
import type { Spoken } from './beds.ts'

/** Connections are frozen, refused or slow. */
export function deadConnections(spoken: Spoken): void {
  const { bed } = spoken
  const { open, proxied } = accessTo(spoken)

  it('notices a half-open link by keepalive, and goes on', async () => {
    await using proxy = await proxied()
    await using link = await open(proxy.through(bed.url))
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription)
    const sender = link.sender(topic)
    await sendSurely(sender, [messageOf('before')])
    proxy.freeze('both')
    const [stuck] = await sender.send([messageOf('stuck')], never)
    expect(stuck).toMatchObject({ ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED', retryable: true } })
    await until('the end of the connection', () => !sender.writable)
    expect(await sender.send([messageOf('while down')], never)).toMatchObject([{ ok: false, stored: 'no', error: { retryable: true } }])
    const writable = new Promise<void>((resolve) => (sender.onWritable = resolve))
    proxy.thaw()
    await writable
    await sendSurely(sender, [messageOf('after')])
    await until('the last', () => intake.bodies.includes('after'))
  })

  it('closes in bounded time on a frozen link', async () => {
    const proxy = await proxied()
    const link = await open(proxy.through(bed.url), { timeoutMs: 500 })
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    await link.receive(subscription)
    proxy.freeze('both')
    const began = performance.now()
    await link[Symbol.asyncDispose]()
    expect(performance.now() - began).toBeLessThan(3_000)
    await proxy.close()
  })

  it('fails over to the next address', async () => {
    await using first = await proxied()
    await using second = await proxied()
    await using link = await open([first.through(bed.url), second.through(bed.url)])
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription)
    expect(second.accepted).toBe(0)
    first.refuse(true)
    first.cut()
    await until('the second address', () => second.connections >= 1 && link.link.health().state === 'connected')
    await sendSurely(link.sender(topic), [messageOf('over')])
    await until('the message', () => intake.bodies.includes('over'))
  })

  it('sends again what was on its way to a distant broker all at once, and not one by one', async () => {
    await using proxy = await proxied()
    await using link = await open(proxy.through(bed.url))
    const { topic } = freshTopic()
    const sender = link.sender(topic)
    await sendSurely(sender, [messageOf('first')])
    proxy.delayMs = 15
    const began = performance.now()
    const sending = Array.from({ length: 20 }, () => sendSurely(sender, messages(50)))
    // No answer comes before the cut, however long that takes.
    proxy.freeze('down')
    await sleep(20)
    proxy.reset()
    proxy.thaw()
    await Promise.all(sending)
    // One by one they would take 30 s.
    expect(performance.now() - began).toBeLessThan(5_000)
  })
}
