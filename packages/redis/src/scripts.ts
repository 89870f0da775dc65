import { createHash } from 'node:crypto'

/** A script on one key, and the digest by which the server knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/*
 * A key holds one text, `<state><fence> <end> <text>`:
 *   b  busy: the end of the lease and the owner
 *   d  done: the end of its time to live and the value
 *   r  released: only the fence counts
 * Before it may stand a note for later owners, `n<end> <bytes> <note>`.
 * The end is in milliseconds since the epoch by the server's clock. The key outlives it by the fence's memory: see `fenceMemoryMs`.
 *
 * A fence is the server's time in microseconds, or one more than the last one if that is higher. So it rises even where nothing is remembered any more,
 * because the key has expired or all data has been lost.
 *
 * All numbers are below 2^53. `whole` is needed because Lua writes large numbers as 1.7e+15.
 */
const beginning = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
local kept = redis.call('GET', KEYS[1])
local state, fence, ends, text, note, noteEnds
if kept then
  local from, bytes
  from, noteEnds, bytes = string.match(kept, '^n()(%d+) (%d+) ')
  if from then
    local first = from + #noteEnds + #bytes + 2
    note = string.sub(kept, first, first + tonumber(bytes) - 1)
    kept = string.sub(kept, first + tonumber(bytes))
    noteEnds = tonumber(noteEnds)
    if noteEnds <= now then note = nil end
  end
  state, fence, ends, text = string.match(kept, '^([bdr])(%d+) (%d+) (.*)$')
  if not state then return redis.error_reply('BUSBAR-FOREIGN the key holds something that is not a claim') end
end
local alive = state and state ~= 'r' and tonumber(ends) > now
local function keep(state, fence, ends, text, memory)
  local left = math.max(ends - now, 0) + memory
  local before = ''
  if note then
    before = 'n' .. whole(noteEnds) .. ' ' .. #note .. ' ' .. note
    left = math.max(left, noteEnds - now)
  end
  redis.call('SET', KEYS[1], before .. state .. fence .. ' ' .. whole(ends) .. ' ' .. text, 'PX', whole(left))
end
`

/** Arguments: owner, fence, … */
const held = `
local ours = alive and fence == ARGV[2] and (state == 'd' or text == ARGV[1])
`

/** Arguments: owner, lease, memory. */
export const claimScript: Script = script(`${beginning}
local mine = time[1] * 1000000 + time[2]
if alive then
  if state == 'd' then return {'done', text} end
  if text ~= ARGV[1] then return {'busy', whole(tonumber(ends) - now)} end
  mine = tonumber(fence)
elseif state and tonumber(fence) >= mine then
  mine = tonumber(fence) + 1
end
keep('b', whole(mine), now + tonumber(ARGV[2]), ARGV[1], tonumber(ARGV[3]))
return {'claimed', whole(mine), note}
`)

/** Arguments: owner, fence, lease, memory. */
export const renewScript: Script = script(`${beginning}${held}
if not ours or state == 'd' then return 'lost' end
keep('b', fence, now + tonumber(ARGV[3]), text, tonumber(ARGV[4]))
return 'renewed'
`)

/** Arguments: owner, fence, lease, memory, time to live, note. */
export const saveScript: Script = script(`${beginning}${held}
if not ours or state == 'd' then return 'lost' end
note = ARGV[6]
noteEnds = now + tonumber(ARGV[5])
keep('b', fence, now + tonumber(ARGV[3]), text, tonumber(ARGV[4]))
return 'saved'
`)

/** Arguments: owner, fence, time to live, memory, value. A repeated completion keeps the first value: that is what others may have seen. */
export const completeScript: Script = script(`${beginning}${held}
if not ours then return 'lost' end
if state == 'b' then text = ARGV[5] end
note = nil
keep('d', fence, now + tonumber(ARGV[3]), text, tonumber(ARGV[4]))
return 'completed'
`)

/** Arguments: owner, fence, memory. */
export const releaseScript: Script = script(`${beginning}${held}
if state == 'r' and fence == ARGV[2] then return 'released' end
if not ours or state == 'd' then return 'lost' end
keep('r', fence, 0, '', tonumber(ARGV[3]))
return 'released'
`)

/** No arguments. Answers for a claim that is alive: state, fence, milliseconds left, text, note if there is one. */
export const lookScript: Script = script(`${beginning}
if not alive then return false end
return {state, fence, whole(tonumber(ends) - now), text, note}
`)

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
