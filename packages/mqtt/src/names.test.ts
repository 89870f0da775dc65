import { expect, it } from 'vitest'
import { nameProblem, replyProblem, sessionsOf, topicProblem } from './names.ts'
import { resolveOptions } from './options.ts'
import { endpoint } from './test-support/messages.ts'

const options = resolveOptions({ url: 'mqtt://localhost', clientId: 'svc' })

it.each(['', 'a/+', 'a/#', '#', 'a+b', 'a\0', 'a\n', 'a\u0085', '\uFFFF', '\uD800', 'x'.repeat(65_536), '$SYS/x', '$share/g/x'])(
  'refuses to send to %j',
  (name) => {
    expect(topicProblem(name)).toBeDefined()
  },
)

it.each(['a', 'a/b', '/a', 'a//b', 'ä b', 'a$b', 'x'.repeat(65_535)])('sends to %j', (name) => {
  expect(topicProblem(name)).toBeUndefined()
})

it('keeps the topics of the notes, and names that look like templates and are none, from being names', () => {
  for (const name of ['busbar', 'busbar/x', 'trucks/{truckId}/position']) expect(nameProblem(endpoint({ name }), options)).toBeDefined()
  expect(nameProblem(endpoint({ name: 'busbars/x' }), options)).toBeUndefined()
})

it('sends replies to no topic of the notes but those for replies', () => {
  for (const address of ['busbar', 'busbar/sessions/a/0', 'busbar/replies', 'busbar/replies/+']) expect(replyProblem(address, options)).toBeDefined()
  for (const address of ['busbar/replies/1f3c', 'busbars', 'others/replies/1']) expect(replyProblem(address, options)).toBeUndefined()
})

it('a queue is one shared subscription with a session for each member', () => {
  const names = sessionsOf(endpoint(), options, 3)
  expect(names.map(({ filter }) => filter)).toEqual(Array.from({ length: 3 }, () => '$share/svc/orders'))
  expect(names.map(({ clientId }) => clientId)).toEqual([0, 1, 2].map((index) => `${names[0]?.base}-${index}`))
})

it('a subscription is one session, and a topic none', () => {
  const topic = endpoint({ kind: 'topic', name: 'trucks/7' })
  expect(sessionsOf(topic, options, 1)).toEqual([])
  const [session] = sessionsOf({ ...topic, subscription: { name: 'map' } }, options, 1)
  expect(session?.filter).toBe('trucks/7')
  expect(session?.clientId).toMatch(/^svc-trucks_7\.map-[0-9a-f]{10}-0$/)
})

it('different sources have different sessions, however alike their names are', () => {
  const sources = [
    endpoint({ name: 'a.b' }),
    endpoint({ name: 'a/b' }),
    endpoint({ name: 'a_b' }),
    endpoint({ kind: 'topic', name: 'a', subscription: { name: 'b' } }),
    endpoint({ kind: 'topic', name: 'a.b', subscription: { name: 'c' } }),
    endpoint({ kind: 'topic', name: 'a', subscription: { name: 'b.c' } }),
    endpoint({ name: `${'x'.repeat(200)}1` }),
    endpoint({ name: `${'x'.repeat(200)}2` }),
  ]
  const ids = sources.map((source) => sessionsOf(source, options, 1)[0]?.clientId ?? '')
  expect(new Set(ids).size).toBe(sources.length)
  for (const id of ids) expect(id.length).toBeLessThan(128)
})
