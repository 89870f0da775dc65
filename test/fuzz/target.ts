import { isBrokerError, type ErrorCode } from '@busbar/core/driver'
import type { Draw } from './draw.ts'

/** One decoder, what it is given, and what it may answer. */
export interface Target<Input = unknown, Output = unknown> {
  readonly name: string
  /** A valid input, an invalid one, or anything at all. */
  generate(draw: Draw): Input
  /** Given what came from outside. What it returns may be a promise. */
  decode(input: Input): Output | Promise<Output>
  /** Why what came out is not of the declared type; `undefined` if all is well. */
  problem(output: Output, input: Input): string | undefined
  /** Is the error one that is documented? Default: none is, as of decoders that never throw. */
  mayThrow?(error: unknown): boolean
}

/** Hides what goes in and comes out, so that targets can stand in one list. */
export function target<Input, Output>(definition: Target<Input, Output>): Target {
  return definition
}

/** A `BrokerError` with one of these codes. */
export function withCode(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => isBrokerError(error) && codes.includes(error.code) && typeof error.message === 'string' && error.message !== ''
}

/** An error of exactly this class that begins so: what the engine throws by itself begins otherwise. */
export function saying(Class: new (...args: never[]) => Error, beginning: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof Class && error.constructor === Class && beginning.test(error.message)
}

export function anyOf(...conditions: readonly ((error: unknown) => boolean)[]): (error: unknown) => boolean {
  return (error) => conditions.some((condition) => condition(error))
}
