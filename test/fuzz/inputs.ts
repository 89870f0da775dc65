import type { Draw } from './draw.ts'
import { mutatedBytes } from './mutate/bytes.ts'
import { anyText, mutatedText } from './mutate/text.ts'
import { anyValue, mutatedValue, type Kind } from './mutate/values.ts'

/** Makers of inputs that the targets have in common. */

/** One in so many inputs is a sample as it is. */
const untouched = 0.02

/** Texts: mostly changed samples. */
export function textLike(samples: readonly string[]): (draw: Draw) => string {
  return (draw) => {
    if (draw.chance(0.08)) return anyText(draw, 200)
    const sample = draw.pick(samples)
    return draw.chance(untouched) ? sample : mutatedText(draw, sample, samples)
  }
}

/** Texts of JSON: changed as values and as texts. */
export function jsonLike(samples: readonly unknown[]): (draw: Draw) => string {
  const written = samples.map((sample) => JSON.stringify(sample))
  const changedText = textLike(written)
  return (draw) => (draw.chance(0.4) ? changedText(draw) : (jsonOf(mutatedValue(draw, draw.pick(samples), 'json')) ?? draw.pick(written)))
}

/** Bodies: text as it is, or its bytes, changed as bytes. */
export function bodyLike(text: (draw: Draw) => string): (draw: Draw) => string | Buffer {
  return (draw) => {
    const made = text(draw)
    if (draw.chance(0.6)) return made
    return draw.chance(0.5) ? Buffer.from(made) : mutatedBytes(draw, Buffer.from(made))
  }
}

export function bytesLike(samples: readonly Uint8Array[]): (draw: Draw) => Buffer {
  return (draw) => {
    if (draw.chance(0.05)) return draw.bytes(draw.below(64))
    const sample = draw.pick(samples)
    return draw.chance(untouched) ? Buffer.from(sample) : mutatedBytes(draw, sample, samples)
  }
}

export function valueLike(samples: readonly unknown[], kind: Kind): (draw: Draw) => unknown {
  return (draw) => (draw.chance(0.04) ? anyValue(draw, kind) : draw.chance(untouched) ? draw.pick(samples) : mutatedValue(draw, draw.pick(samples), kind))
}

/** An object with members of the samples, changed. */
export function membersLike(samples: readonly object[], kind: Kind): (draw: Draw) => Readonly<Record<string, unknown>> {
  const make = valueLike(samples, kind)
  return (draw) => {
    const made = make(draw)
    return typeof made === 'object' && made !== null && !Array.isArray(made) ? (made as Readonly<Record<string, unknown>>) : { ...draw.pick(samples) }
  }
}

/** `undefined` in some of all cases. */
export function optional<T>(draw: Draw, make: (draw: Draw) => T, part = 0.7): T | undefined {
  return draw.chance(part) ? make(draw) : undefined
}

/** `undefined` for what JSON cannot write, such as what is nested too deeply. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
