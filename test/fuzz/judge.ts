import { hash } from '../chaos/message-id.ts'
import { Draw } from './draw.ts'
import type { Prototypes } from './prototypes.ts'
import type { Target } from './target.ts'

/** The same for the same seed, target and index, whatever else is run. */
export function drawOf(seed: number, name: string, index: number): Draw {
  return new Draw(hash(`${seed} ${name}`) + Math.imul(index, 0x9e3779b1))
}

/** What went wrong with one input; `undefined` if nothing did. */
export type Judgement = string | undefined

/** Decodes one input and looks at what comes of it. Synchronous as long as the decoder is. */
export function judge(target: Target, input: unknown, prototypes: Prototypes): Judgement | Promise<Judgement> {
  let output: unknown
  try {
    output = target.decode(input)
  } catch (error) {
    return pollution(prototypes) ?? refusal(target, error)
  }
  if (!(output instanceof Promise)) return pollution(prototypes) ?? wrongness(target, output, input)
  return output.then(
    (late: unknown) => pollution(prototypes) ?? wrongness(target, late, input),
    (error: unknown) => pollution(prototypes) ?? refusal(target, error),
  )
}

function pollution(prototypes: Prototypes): Judgement {
  if (!prototypes.changed) return undefined
  return `it has changed what all objects share: ${prototypes.restore().map(String).join(', ')}`
}

function wrongness(target: Target, output: unknown, input: unknown): Judgement {
  try {
    return target.problem(output, input)
  } catch (error) {
    return `what came out is of a wrong type, so that even looking at it throws ${textOf(error)}`
  }
}

function refusal(target: Target, error: unknown): Judgement {
  return target.mayThrow?.(error) === true ? undefined : `it threw what is not documented: ${textOf(error)}`
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const at = /\n\s+at (.*)/.exec(error.stack ?? '')?.[1]?.replace(/\(?file:\S*\/(packages|test|node_modules)\//, '($1/')
  return `${error.name}: ${error.message.slice(0, 200)}${at === undefined ? '' : `, at ${at}`}`
}
