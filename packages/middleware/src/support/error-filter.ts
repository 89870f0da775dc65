import { assertPredicate, isYes } from './predicate.ts'

type Class = abstract new (...args: never[]) => unknown
type Predicate<Context> = (error: unknown, context: Context) => boolean

/** A class of errors, those that extend it included; or a function that says yes to those that are meant. */
export type ErrorFilter<Context> = Class | Predicate<Context>

/**
 * Says whether any of the filters matches: a predicate by `true` alone; one that throws has said no. Throws a `TypeError` for what is no filter, and the function that it
 * returns throws one where a predicate answers with a promise.
 */
export function errorFilter<Context>(what: string, given: ErrorFilter<Context> | readonly ErrorFilter<Context>[]): Predicate<Context> {
  const filters = Array.isArray(given) ? (given as readonly ErrorFilter<Context>[]) : [given as ErrorFilter<Context>]
  const predicates = filters.map((filter) => {
    if (typeof filter !== 'function') throw new TypeError(`${what} must be a class of errors, a function, or a list of these`)
    if (isClass(filter)) return (error: unknown) => error instanceof filter
    assertPredicate(what, filter)
    return (error: unknown, context: Context) => isYes(what, answerOf(filter, error, context))
  })
  if (predicates.length === 0) throw new TypeError(`${what} must not be an empty list: leave it out, or name what is meant`)
  return (error, context) => predicates.some((predicate) => predicate(error, context))
}

/** The `prototype` of a class cannot be written; a function that stands for a class of errors has one that is an error. */
function isClass(value: object): value is Class {
  const prototype = Object.getOwnPropertyDescriptor(value, 'prototype')
  return prototype !== undefined && (prototype.writable === false || prototype.value instanceof Error)
}

function answerOf<Context>(predicate: Predicate<Context>, error: unknown, context: Context): unknown {
  try {
    return predicate(error, context)
  } catch {
    return false
  }
}
