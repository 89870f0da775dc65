import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { ClaimResult, StoredClaim } from '@busbar/core/driver'
import { readClaim, scanClaims, type TableApi } from '@busbar/dynamodb/decoders'
import { redisStore, type RedisClient } from '@busbar/redis'
import { expected, first, isCount, optionalText } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { jsonLike, optional, textLike } from '../inputs.ts'
import { anyText } from '../mutate/text.ts'
import { standingClock } from '../standing-clock.ts'
import { anyOf, saying, target, withCode } from '../target.ts'

type Item = Record<string, AttributeValue>

const text = textLike(['=value', '%a%d800', '=', '%0041'])
const number = textLike(['1767225600000000', '30000', '0'])
const redisCursor = jsonLike([
  ['', '0'],
  ['127.0.0.1:7000', '12', 'busbar:claim:a', 'busbar:claim:%007b'],
])
const dynamoCursor = jsonLike([[3], [3, '=a']])
const foreignCursor = saying(TypeError, /^scan: the cursor is not one of this store$/)
const kinds = ['busy', 'done', 'released']

/** What claims in Redis and DynamoDB are read from: texts that anybody may have stored, numbers in Redis only as its scripts make them. */
export const storedTargets = [
  target({
    name: 'redis-claim',
    generate: (draw) => {
      const state = draw.pick(['claimed', 'busy', 'done'])
      return [state, state === 'done' ? text(draw) : String(draw.below(2 ** 31)), ...(state === 'claimed' && draw.chance(0.5) ? [text(draw)] : [])]
    },
    decode: (answer) => redisStore({ client: clientWith(answer, []), clock: standingClock }).claim({ key: 'a', owner: 'o', leaseMs: 1_000 }),
    problem: claimed,
  }),
  target({
    name: 'redis-scan',
    generate: (draw) => ({
      cursor: cursor(draw, redisCursor),
      names: Array.from({ length: draw.below(4) }, () => `busbar:claim:${text(draw)}`),
      found: draw.chance(0.1) ? null : [draw.pick(['b', 'd']), '7', '100', text(draw), ...(draw.chance(0.3) ? [text(draw)] : [])],
    }),
    decode: ({ cursor: from, names, found }) =>
      redisStore({ client: clientWith(found, names), clock: standingClock }).scan('', { limit: 10, ...(from !== undefined && { cursor: from }) }),
    problem: page,
    mayThrow: foreignCursor,
  }),
  target({
    name: 'dynamodb-item',
    generate: item,
    decode: readClaim,
    problem: ({ key, kind, fence, endsAt, lastsMs, claimant }) =>
      first(
        expected(typeof key === 'string' && typeof claimant === 'string', 'a field is no text', key),
        expected(kinds.includes(kind) && Number.isSafeInteger(fence) && Number.isFinite(endsAt), 'the claim is', kind),
        expected(Number.isFinite(lastsMs), 'lastsMs is', lastsMs),
      ),
    mayThrow: withCode('ERR_CONFLICT'),
  }),
  target({
    name: 'dynamodb-scan',
    generate: (draw) => ({ cursor: cursor(draw, dynamoCursor), items: Array.from({ length: draw.below(3) }, () => item(draw)) }),
    decode: ({ cursor: from, items }) => scanClaims(apiWith(items), '', from, 10),
    problem: page,
    mayThrow: anyOf(foreignCursor, withCode('ERR_CONFLICT')),
  }),
]

function claimed(result: ClaimResult): string | undefined {
  switch (result.state) {
    case 'claimed':
      return first(expected(isCount(result.fence), 'the fence is', result.fence), optionalText('the note', result.note))
    case 'busy':
      return expected(isCount(result.expiresInMs), 'it expires in', result.expiresInMs)
    case 'done':
      return expected(typeof result.value === 'string', 'the value is', result.value)
    default:
      return 'the state is none'
  }
}

function page({ claims, cursor: next }: { readonly claims: readonly StoredClaim[]; readonly cursor?: string }): string | undefined {
  return first(optionalText('the cursor', next), ...claims.map(storedClaim))
}

function storedClaim({ key, state, owner, fence, value, note, expiresInMs }: StoredClaim): string | undefined {
  return first(
    expected(typeof key === 'string' && (state === 'busy' || state === 'done'), 'the claim is', key),
    ...[owner, value, note].map((field) => optionalText('a field', field)),
    expected(Number.isSafeInteger(fence) && isCount(expiresInMs), 'fence and time are', `${fence} ${expiresInMs}`),
  )
}

function cursor(draw: Draw, json: (draw: Draw) => string): string | undefined {
  return optional(draw, (inner) => (inner.chance(0.1) ? anyText(inner) : Buffer.from(json(inner)).toString('base64url')), 0.8)
}

function item(draw: Draw): Item {
  const found: Item = {
    slot: { S: 'claims-1' },
    claimKey: { S: text(draw) },
    kind: { S: draw.chance(0.9) ? draw.pick(kinds) : text(draw) },
    fence: { N: number(draw) },
    endsAt: { N: number(draw) },
    lastsMs: { N: number(draw) },
    claimant: { S: text(draw) },
    outcome: { S: text(draw) },
    note: { S: text(draw) },
    noteEndsAt: { N: number(draw) },
    wholeKey: { S: text(draw) },
  }
  for (const name of Object.keys(found)) {
    if (draw.chance(0.1)) Reflect.deleteProperty(found, name)
    // A type that nobody has put there.
    else if (draw.chance(0.05)) found[name] = draw.pick<AttributeValue>([{ BOOL: true }, { NULL: true }, { B: draw.bytes(4) }, { S: '7' }, { N: '7' }])
  }
  return found
}

function clientWith(answer: unknown, names: readonly string[]): RedisClient {
  const nothing = (): undefined => undefined
  const client = {
    status: 'ready',
    evalsha: async () => answer,
    eval: async () => answer,
    scan: async () => ['0', names],
    connect: async () => undefined,
    disconnect: nothing,
    on: nothing,
    removeListener: nothing,
  }
  return client as unknown as RedisClient
}

function apiWith(items: readonly Item[]): TableApi {
  const api = { now: () => ({ earliest: 1_000, latest: 2_000 }), query: async () => ({ Items: items }) }
  return api as unknown as TableApi
}
